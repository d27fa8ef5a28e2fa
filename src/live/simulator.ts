import { setTimeout as sleep } from 'node:timers/promises'
import { SAMPLE_SEED } from '../simulate/bundled-sample.ts'
import type { SimulatedFlow } from '../simulate/flow-record.ts'
import { Merge } from '../simulate/merge.ts'
import type { SimulatedReading } from '../simulate/readings.ts'
import { ATTACK_NAMES, FAULT_NAMES, simulate } from '../simulate/simulation.ts'
import { Busy } from '../store/errors.ts'
import type { Store } from '../store/store.ts'
import type { Intake } from './intake/intake.ts'

/** Seconds simulated at a time; in each every kind of attack and of fault comes once. */
const STRETCH = 6 * 3600
/** Seconds before it was switched on that are sent as well, so that there is something to see. */
const LEAD = 3600
/** As the bundled sample has, which the first models know. */
const DEVICES = 14
/** Records in one body. */
const PORTION = 1000
/** Where it is kept whether the devices are on. */
const KEY = 'simulate'

/** Whether demo devices are on. */
export interface SimulatorState {
  readonly on: boolean
  readonly devices: number
  /** When they were switched on, seconds since the epoch. */
  readonly since: number | null
  /** Records stored since the start of the service. */
  readonly sent: number
}

type Timed =
  | { readonly ts: number; readonly flow: SimulatedFlow }
  | { readonly ts: number; readonly reading: SimulatedReading }

/**
 * Demo devices that live in real time: a home and a small factory with readings, traffic and now and then an attack
 * or a fault. What a moment brings depends on the moment alone, so that the next start goes on where this one was.
 */
export class Simulator {
  readonly #store: Store
  readonly #intake: Pick<Intake, 'write'>
  readonly #onError: (error: unknown) => void
  #state: Omit<SimulatorState, 'sent'> = { on: false, devices: DEVICES, since: null }
  #sent = 0
  #off = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(store: Store, intake: Pick<Intake, 'write'>, onError: (error: unknown) => void = () => {}) {
    this.#store = store
    this.#intake = intake
    this.#onError = onError
  }

  /** Switches the devices on that were on. */
  async start(): Promise<void> {
    this.#state = (await this.#store.meta.get<SimulatorState>(KEY)) ?? this.#state
    if (this.#state.on) this.#run()
  }

  get state(): SimulatorState {
    return { ...this.#state, sent: this.#sent }
  }

  /** @param devices 1–200 */
  async switch(on: boolean, devices: number = this.#state.devices): Promise<SimulatorState> {
    await this.stop()
    const since = on ? Date.now() / 1000 : null
    this.#state = { on, devices, since }
    await this.#store.meta.set(KEY, this.#state)
    if (on) this.#run()
    return this.state
  }

  /** Stops sending; whether the devices are on stays as it is. */
  async stop(): Promise<void> {
    this.#off.abort()
    await this.#running
  }

  #run(): void {
    this.#off = new AbortController()
    this.#running = this.#live(this.#off.signal).catch((error) => {
      if (!this.#off.signal.aborted) this.#onError(error)
    })
  }

  async #live(off: AbortSignal): Promise<void> {
    const { devices } = this.#state
    // After a restart most of it is stored already: the same records again are none.
    let from = Date.now() / 1000 - LEAD
    for (;;) {
      const start = Math.floor(from / STRETCH) * STRETCH
      let readings: object[] = []
      let flows: object[] = []
      const flush = async () => {
        const [r, f] = [readings, flows]
        readings = []
        flows = []
        await this.#send('readings', r, off)
        await this.#send('flows', f, off)
      }
      for (const record of stretch(start, devices)) {
        if (record.ts < from) continue
        const wait = record.ts - Date.now() / 1000
        if (wait > 0 || readings.length + flows.length >= PORTION) await flush()
        if (wait > 0) await sleep(Math.max(wait * 1000, 200), undefined, { signal: off })
        off.throwIfAborted()
        if ('flow' in record) flows.push(withoutTruth(record.flow))
        else readings.push(asReading(record.reading))
      }
      await flush()
      from = start + STRETCH
    }
  }

  async #send(kind: 'readings' | 'flows', records: readonly object[], off: AbortSignal): Promise<void> {
    while (records.length > 0) {
      try {
        const { accepted } = await this.#intake.write(kind, records, 'simulator')
        this.#sent += accepted
        return
      } catch (error) {
        if (!(error instanceof Busy)) throw error
        await sleep(error.retryAfter * 1000, undefined, { signal: off })
      }
    }
  }
}

/** Records of one stretch by time; each has the attacks and faults in another order. */
export function stretch(start: number, devices: number): Iterable<Timed> {
  const turn = start / STRETCH
  const simulation = simulate({
    devices,
    hours: STRETCH / 3600,
    start,
    seed: SAMPLE_SEED,
    quiet: 0,
    attacks: turned(ATTACK_NAMES, turn),
    faults: turned(FAULT_NAMES, turn),
  })
  const merge = new Merge<Timed>(({ ts }) => ts)
  merge.add(timed(simulation.flows(), (flow) => ({ ts: flow.ts, flow })))
  merge.add(timed(simulation.readings(), (reading) => ({ ts: reading.ts, reading })))
  return merge
}

function* timed<T>(records: Iterable<T>, of: (record: T) => Timed): Generator<Timed> {
  for (const record of records) yield of(record)
}

function turned(names: readonly string[], by: number): string[] {
  const first = by % names.length
  return [...names.slice(first), ...names.slice(0, first)]
}

/** What a probe would send: it does not know what is an attack. */
function withoutTruth({ label: _, detailed_label: __, ...flow }: SimulatedFlow): object {
  return flow
}

function asReading({ device, ts, metrics }: SimulatedReading): object {
  return { id: device, timestamp: new Date(ts * 1000).toISOString(), ...metrics }
}
