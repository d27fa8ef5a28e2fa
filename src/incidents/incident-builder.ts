import type { Anomaly, AnomalyType } from '../schema/anomaly.ts'
import type { Incident } from '../schema/incident.ts'
import { sentence } from './describe-incident.ts'
import { techniqueOf } from './technique.ts'
import { TopCounts } from './top-counts.ts'

/** Seconds over which anomalies count as coming together. */
const TOGETHER = 600
/** Types that say what somebody does; the others only how a record is unusual. */
const behaviours: ReadonlySet<AnomalyType> = new Set([
  'port scan',
  'flood',
  'beaconing',
  'exfiltration',
  'brute force',
] as const)
/** Anomalies, or share of them, that must show a behaviour for it to be the type of the whole. */
const SOME = 5
const SHARE = 0.2

/** Sums of an incident's flows. */
export interface Sums {
  bytesOut: number
  bytesIn: number
  /** Flows to which nothing came back. */
  unanswered: number
  /** Flows that the device opened. */
  opened: number
}

/** An incident while its anomalies come in; memory does not grow with their number. */
export class IncidentBuilder {
  readonly #first: Anomaly
  #last: Anomaly
  #strongest: Anomaly
  #count = 0
  #from = Number.NaN
  #to = Number.NaN
  /** Anomalies within the last ten minutes, fading, and the most there ever were. */
  #together = 0
  #most = 0
  readonly #kind: Incident['kind']
  /** How far spikes lead noise; told apart by what came before, so that later anomalies know more and weigh more. */
  #lead = 0
  readonly #votes = new Map<AnomalyType, number>()
  readonly #devices = new TopCounts()
  readonly #names = new Map<string, string>()
  readonly #addresses = new TopCounts()
  readonly #ports = new TopCounts()
  readonly #features = new TopCounts()
  readonly #sums: Sums = { bytesOut: 0, bytesIn: 0, unanswered: 0, opened: 0 }

  constructor(first: Anomaly) {
    this.#kind = first.fields.resp_h === undefined ? 'readings' : 'flows'
    this.#first = first
    this.#last = first
    this.#strongest = first
  }

  add(a: Anomaly): void {
    this.#count++
    this.#gather(a.timestamp)
    if (a.p_value < this.#strongest.p_value) this.#strongest = a
    this.#last = a
    this.#votes.set(a.type, (this.#votes.get(a.type) ?? 0) + evidenceOf(a))
    if (a.type === 'spike') this.#lead += this.#count
    if (a.type === 'noise') this.#lead -= this.#count
    this.#devices.add(a.device)
    if (a.device_name !== undefined && this.#names.size < 64) this.#names.set(a.device, a.device_name)
    const [cause] = a.affected_features
    if (cause) this.#features.add(cause.feature)
    if (this.#kind === 'flows') this.#addFlow(a)
  }

  /** -log10 p of the strongest, plus half the logarithm of how many came together. */
  get evidence(): number {
    return evidenceOf(this.#strongest) + Math.log10(this.#burst)
  }

  finish(): Incident {
    const type = this.#type()
    const ports = this.#ports.summary()
    const devices = this.#devices.summary().top.map(({ value, count }) => {
      const name = this.#names.get(value)
      return { device: value, ...(name === undefined ? {} : { name }), count }
    })
    const technique = techniqueOf(type, ports.top[0]?.value ?? '')
    const facts = {
      id: this.#first.incident,
      kind: this.#kind,
      type,
      types: [...this.#votes].sort((a, b) => b[1] - a[1]).map(([name]) => name),
      ...(technique ? { technique } : {}),
      devices,
      first: this.#from,
      last: this.#to,
      count: this.#count,
      addresses: this.#addresses.summary(),
      ports,
      features: this.#features.summary(),
      highest_confidence: this.#strongest.confidence,
      confidence: this.#confidence(),
      evidence: this.evidence,
      strongest: this.#strongest,
      first_anomaly: this.#first,
      last_anomaly: this.#last,
    }
    return { ...facts, description: sentence(facts, this.#sums) }
  }

  #gather(ts: number): void {
    if (!Number.isFinite(ts)) return
    const ahead = ts - (Number.isNaN(this.#to) ? ts : this.#to)
    this.#together =
      ahead >= 0
        ? this.#together * Math.exp(-ahead / TOGETHER) + 1
        : this.#together + Math.exp(ahead / TOGETHER)
    if (this.#together > this.#most) this.#most = this.#together
    if (!(this.#from <= ts)) this.#from = ts
    if (!(this.#to >= ts)) this.#to = ts
  }

  #addFlow({ fields, device }: Anomaly): void {
    const opened = fields.orig_h === device || fields.orig_l2_addr === device
    const toDevice = !opened && (fields.resp_h === device || fields.resp_l2_addr === device)
    const out = numberOf(toDevice ? fields.resp_bytes : fields.orig_bytes)
    const back = numberOf(toDevice ? fields.orig_bytes : fields.resp_bytes)
    this.#addresses.add(String((toDevice ? fields.orig_h : fields.resp_h) ?? ''))
    const { resp_p = 0, proto = '' } = fields
    this.#ports.add(proto === '' ? String(resp_p) : `${resp_p}/${proto}`)
    this.#sums.bytesOut += out
    this.#sums.bytesIn += back
    if (numberOf(fields.resp_bytes) === 0) this.#sums.unanswered++
    if (!toDevice) this.#sums.opened++
  }

  /** A behaviour that shows often enough, else what weighs most; the votes are weighed by evidence. */
  #type(): AnomalyType {
    const votes = [...this.#votes].sort((a, b) => b[1] - a[1])
    const total = votes.reduce((sum, [, weight]) => sum + weight, 0)
    const acts = votes.filter(([type]) => behaviours.has(type))
    const shown = acts.reduce((sum, [, weight]) => sum + weight, 0)
    const enough = Math.min(SHARE * total, (SOME * total) / this.#count)
    const type = (acts.length > 0 && shown >= enough ? acts : votes)[0]![0]
    return type !== 'spike' && type !== 'noise' ? type : this.#lead > 0 ? 'spike' : 'noise'
  }

  /** On the scale of single anomalies, whose odds are contamination / p. */
  #confidence(): number {
    const { confidence } = this.#strongest
    const odds = (confidence / (1 - confidence)) * this.#burst
    return odds < Number.POSITIVE_INFINITY ? odds / (1 + odds) : 1
  }

  /** How much rarer a burst of so many is than one: the square root, as benign alarms come in bursts too. */
  get #burst(): number {
    return Math.sqrt(Math.max(1, this.#most))
  }
}

function evidenceOf({ p_value }: Anomaly): number {
  return -Math.log10(Math.max(p_value, Number.MIN_VALUE))
}

function numberOf(value: string | number | undefined): number {
  return typeof value === 'number' ? value : 0
}
