import { ApiError, type ClientOptions, Http, type Query } from './http.ts'
import type {
  Anomaly,
  AnomalyDetail,
  Comment,
  Detection,
  Device,
  Event,
  Feedback,
  FlowPage,
  Incident,
  IncidentDetail,
  Job,
  Model,
  ModelCard,
  NewJob,
  Page,
  Question,
  ReadingPage,
  Series,
  Statistics,
  Status,
  Stored,
  StoredDetection,
  Verdict,
} from './types.ts'

export type { ClientOptions } from './http.ts'
export type * from './types.ts'
export { ApiError }

/** A device: its number or its name. */
type DeviceId = number | string

interface Paging {
  readonly cursor?: string
  readonly limit?: number
}
interface Range {
  /** RFC 3339. */
  readonly from?: string
  readonly to?: string
}
export interface AnomalyFilter extends Paging, Range {
  readonly device_id?: DeviceId | readonly DeviceId[]
  readonly type?: Anomaly['type'] | readonly Anomaly['type'][]
  /** At least this. */
  readonly confidence?: number
  readonly state?: Anomaly['state']
  readonly feedback?: 'expected' | 'confirmed' | 'none'
  readonly incident_id?: number
}
export interface IncidentFilter extends Paging, Range {
  readonly kind?: Incident['kind']
  readonly type?: Incident['type'] | readonly Incident['type'][]
  readonly confidence?: number
  readonly state?: Incident['state']
}
export interface DataFilter extends Paging, Range {
  readonly metric?: string | readonly string[]
  readonly order?: 'newest' | 'oldest'
}
export interface FileOptions {
  readonly adapter?: string
  readonly local?: string | readonly string[]
  readonly model?: string
  readonly threshold?: number
  readonly store?: boolean
}

/** The REST API of a running service, typed. Every method throws {@link ApiError} where the answer is a problem. */
export class MotewatchClient {
  readonly #http: Http

  constructor(options: ClientOptions = {}) {
    this.#http = new Http(options)
  }

  status(): Promise<Status> {
    return this.#get('/status')
  }

  statistics(range: Range = {}): Promise<Statistics> {
    return this.#get('/statistics', { ...range })
  }

  devices(filter: Paging & { search?: string; type?: string } = {}): Promise<Page<Device>> {
    return this.#get('/devices', { ...filter })
  }

  device(id: DeviceId): Promise<Device> {
    return this.#get(`/devices/${part(id)}`)
  }

  changeDevice(id: DeviceId, change: { label?: string | null; type?: string | null }): Promise<Device> {
    return this.#http.json('PATCH', `/devices/${part(id)}`, {}, change)
  }

  /** Stores readings; when it returns they are on disk. */
  send(readings: readonly object[]): Promise<Stored> {
    return this.#http.json('POST', '/data', {}, readings)
  }

  /** Stores flows by Zeek's names. */
  sendFlows(flows: readonly object[]): Promise<Stored> {
    return this.#http.json('POST', '/data', { kind: 'flows' }, flows)
  }

  readings(device_id: DeviceId, filter: DataFilter = {}): Promise<ReadingPage> {
    return this.#get('/data', { device_id, ...filter })
  }

  /** Readings as `points` intervals, for a plot. */
  series(device_id: DeviceId, points: number, filter: Omit<DataFilter, 'order'> = {}): Promise<Series> {
    return this.#get('/data', { device_id, points, ...filter })
  }

  flows(filter: Omit<DataFilter, 'metric'> & { device_id?: DeviceId } = {}): Promise<FlowPage> {
    return this.#get('/data', { kind: 'flows', ...filter })
  }

  anomalies(filter: AnomalyFilter = {}): Promise<Page<Anomaly>> {
    return this.#get('/anomalies', { ...filter })
  }

  anomaly(id: number): Promise<AnomalyDetail> {
    return this.#get(`/anomalies/${id}`)
  }

  setAnomalyState(id: number, state: Anomaly['state']): Promise<AnomalyDetail> {
    return this.#http.json('PATCH', `/anomalies/${id}`, {}, { state })
  }

  comment(id: number, text: string): Promise<Comment> {
    return this.#http.json('POST', `/anomalies/${id}/comments`, {}, { text })
  }

  incidents(filter: IncidentFilter = {}): Promise<Page<Incident>> {
    return this.#get('/incidents', { ...filter })
  }

  incident(id: number): Promise<IncidentDetail> {
    return this.#get(`/incidents/${id}`)
  }

  setIncidentState(id: number, state: Incident['state']): Promise<IncidentDetail> {
    return this.#http.json('PATCH', `/incidents/${id}`, {}, { state })
  }

  /** Says that an anomaly or an incident was expected, or a real problem. */
  feedback(about: 'anomalies' | 'incidents', id: number, verdict: Verdict): Promise<Feedback> {
    return this.#http.json('PUT', `/${about}/${id}/feedback`, {}, verdict)
  }

  takeBackFeedback(id: string): Promise<void> {
    return this.#http.json('DELETE', `/feedback/${part(id)}`)
  }

  detect(question: Extract<Question, { device_id: DeviceId }>): Promise<StoredDetection>
  detect(question: Exclude<Question, { device_id: DeviceId }>): Promise<Detection>
  detect(question: Question): Promise<Detection | StoredDetection> {
    return this.#http.json('POST', '/detect', {}, question)
  }

  /** Looks for anomalies in a file, as a job; {@link wait} for it. */
  detectFile(file: Blob, name: string, options: FileOptions = {}): Promise<Job> {
    return this.#upload('/detect/file', file, name, { ...options })
  }

  async models(kind?: Model['kind']): Promise<readonly Model[]> {
    return (await this.#get<Page<Model>>('/models', { kind })).items
  }

  model(id: number): Promise<ModelCard> {
    return this.#get(`/models/${id}`)
  }

  activateModel(id: number): Promise<Model> {
    return this.#http.json('POST', `/models/${id}/activate`)
  }

  rollBackModel(kind: Model['kind']): Promise<Model> {
    return this.#http.json('POST', '/models/active/roll-back', {}, { kind })
  }

  deleteModel(id: number): Promise<void> {
    return this.#http.json('DELETE', `/models/${id}`)
  }

  async downloadModel(id: number): Promise<Uint8Array> {
    return new Uint8Array(await (await this.#http.send(`/models/${id}/file`, {}, {})).arrayBuffer())
  }

  uploadModel(file: Blob, name: string): Promise<Model> {
    return this.#upload('/models', file, name, {})
  }

  startJob(job: NewJob): Promise<Job> {
    return this.#http.json('POST', '/jobs', {}, job)
  }

  job(id: number): Promise<Job> {
    return this.#get(`/jobs/${id}`)
  }

  jobs(filter: Paging & { kind?: string; state?: Job['state'] } = {}): Promise<Page<Job>> {
    return this.#get('/jobs', { ...filter })
  }

  cancelJob(id: number): Promise<Job> {
    return this.#http.json('POST', `/jobs/${id}/cancel`)
  }

  /** The job once it is done, failed or cancelled. @param interval milliseconds between two looks */
  async wait(job: Pick<Job, 'id'>, interval = 250): Promise<Job> {
    for (;;) {
      const now = await this.job(job.id)
      if (now.state !== 'queued' && now.state !== 'running') return now
      await new Promise((resolve) => setTimeout(resolve, interval))
    }
  }

  /** Every item of a list, page after page: `client.all((page) => client.anomalies({ ...page, type: 'flood' }))`. */
  async *all<T>(list: (page: Paging) => Promise<Page<T>>): AsyncGenerator<T> {
    let cursor: string | undefined
    do {
      const page = await list(cursor === undefined ? {} : { cursor })
      yield* page.items
      cursor = page.next ?? undefined
    } while (cursor !== undefined)
  }

  /** What happens, as it happens, behind event `after`; ends with the stream or when `signal` is aborted. */
  async *events(
    filter: { types?: readonly Event['type'][]; device?: DeviceId; after?: number } = {},
    signal?: AbortSignal,
  ): AsyncGenerator<Event> {
    const init = { headers: { accept: 'text/event-stream' }, ...(signal ? { signal } : {}) }
    const answer = await this.#http.send('/events', { ...filter }, init)
    let text = ''
    for await (const piece of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += piece
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const data = /^data: (.*)$/m.exec(text.slice(0, end))
        text = text.slice(end + 2)
        if (data) yield JSON.parse(data[1]!) as Event
      }
    }
  }

  #get<T>(path: string, query: Query = {}): Promise<T> {
    return this.#http.json('GET', path, query)
  }

  async #upload<T>(path: string, file: Blob, name: string, query: Query): Promise<T> {
    const body = new FormData()
    body.append('file', file, name)
    return (await this.#http.send(path, query, { method: 'POST', body })).json() as Promise<T>
  }
}

/** A part of a path. */
function part(id: DeviceId): string {
  return encodeURIComponent(String(id))
}
