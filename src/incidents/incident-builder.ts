import type { Anomaly, AnomalyType } from '../schema/anomaly.ts'
import type { Incident } from '../schema/incident.ts'
import { sentence } from './describe-incident.ts'
import { techniqueOf } from './technique.ts'
import { TopCounts, type TopCountsState } from './top-counts.ts'

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

const counted = ['devices', 'addresses', 'ports', 'features'] as const

/** All that is kept of an incident. */
export interface IncidentState {
  readonly kind: Incident['kind']
  readonly first: Anomaly
  last: Anomaly
  strongest: Anomaly
  count: number
  from: number
  to: number
  /** Anomalies within the last ten minutes, fading, and the most there ever were. */
  together: number
  most: number
  /** How far spikes lead noise; told apart by what came before, so that later anomalies know more and weigh more. */
  lead: number
  readonly votes: Map<AnomalyType, number>
  readonly names: Map<string, string>
  readonly sums: Sums
}

/** An {@link IncidentState} with what is counted most often. */
export interface SavedIncident {
  readonly state: IncidentState
  readonly counts: readonly TopCountsState[]
}

/** An incident while its anomalies come in; memory does not grow with their number. */
export class IncidentBuilder {
  readonly #s: IncidentState
  readonly #devices: TopCounts
  readonly #addresses: TopCounts
  readonly #ports: TopCounts
  readonly #features: TopCounts

  private constructor({ state, counts }: SavedIncident) {
    this.#s = state
    const [devices, addresses, ports, features] = counted.map((_, k) => new TopCounts(counts[k]))
    this.#devices = devices!
    this.#addresses = addresses!
    this.#ports = ports!
    this.#features = features!
  }

  static begin(first: Anomaly): IncidentBuilder {
    const state: IncidentState = {
      kind: first.fields.resp_h === undefined ? 'readings' : 'flows',
      first,
      last: first,
      strongest: first,
      count: 0,
      from: Number.NaN,
      to: Number.NaN,
      together: 0,
      most: 0,
      lead: 0,
      votes: new Map(),
      names: new Map(),
      sums: { bytesOut: 0, bytesIn: 0, unanswered: 0, opened: 0 },
    }
    return new IncidentBuilder({ state, counts: [] })
  }

  /** @param saved what {@link save} gave; becomes its own */
  static restore(saved: SavedIncident): IncidentBuilder {
    return new IncidentBuilder(saved)
  }

  /** All of it; not copied. */
  save(): SavedIncident {
    const counts = [this.#devices, this.#addresses, this.#ports, this.#features]
    return { state: this.#s, counts: counts.map((c) => c.save()) }
  }

  add(a: Anomaly): void {
    this.#s.count++
    this.#gather(a.timestamp)
    if (a.p_value < this.#s.strongest.p_value) this.#s.strongest = a
    this.#s.last = a
    this.#s.votes.set(a.type, (this.#s.votes.get(a.type) ?? 0) + evidenceOf(a))
    if (a.type === 'spike') this.#s.lead += this.#s.count
    if (a.type === 'noise') this.#s.lead -= this.#s.count
    this.#devices.add(a.device)
    if (a.device_name !== undefined && this.#s.names.size < 64) this.#s.names.set(a.device, a.device_name)
    const [cause] = a.affected_features
    if (cause) this.#features.add(cause.feature)
    if (this.#s.kind === 'flows') this.#addFlow(a)
  }

  /** -log10 p of the strongest, plus half the logarithm of how many came together. */
  get evidence(): number {
    return evidenceOf(this.#s.strongest) + Math.log10(this.#burst)
  }

  finish(): Incident {
    const type = this.#type()
    const ports = this.#ports.summary()
    const devices = this.#devices.summary().top.map(({ value, count }) => {
      const name = this.#s.names.get(value)
      return { device: value, ...(name === undefined ? {} : { name }), count }
    })
    const technique = techniqueOf(type, ports.top[0]?.value ?? '')
    const facts = {
      id: this.#s.first.incident,
      kind: this.#s.kind,
      type,
      types: [...this.#s.votes].sort((a, b) => b[1] - a[1]).map(([name]) => name),
      ...(technique ? { technique } : {}),
      devices,
      first: this.#s.from,
      last: this.#s.to,
      count: this.#s.count,
      addresses: this.#addresses.summary(),
      ports,
      features: this.#features.summary(),
      highest_confidence: this.#s.strongest.confidence,
      confidence: this.#confidence(),
      evidence: this.evidence,
      strongest: this.#s.strongest,
      first_anomaly: this.#s.first,
      last_anomaly: this.#s.last,
    }
    return { ...facts, description: sentence(facts, this.#s.sums) }
  }

  #gather(ts: number): void {
    if (!Number.isFinite(ts)) return
    const ahead = ts - (Number.isNaN(this.#s.to) ? ts : this.#s.to)
    this.#s.together =
      ahead >= 0
        ? this.#s.together * Math.exp(-ahead / TOGETHER) + 1
        : this.#s.together + Math.exp(ahead / TOGETHER)
    if (this.#s.together > this.#s.most) this.#s.most = this.#s.together
    if (!(this.#s.from <= ts)) this.#s.from = ts
    if (!(this.#s.to >= ts)) this.#s.to = ts
  }

  #addFlow({ fields, device }: Anomaly): void {
    const opened = fields.orig_h === device || fields.orig_l2_addr === device
    const toDevice = !opened && (fields.resp_h === device || fields.resp_l2_addr === device)
    const out = numberOf(toDevice ? fields.resp_bytes : fields.orig_bytes)
    const back = numberOf(toDevice ? fields.orig_bytes : fields.resp_bytes)
    this.#addresses.add(String((toDevice ? fields.orig_h : fields.resp_h) ?? ''))
    const { resp_p = 0, proto = '' } = fields
    this.#ports.add(proto === '' ? String(resp_p) : `${resp_p}/${proto}`)
    this.#s.sums.bytesOut += out
    this.#s.sums.bytesIn += back
    if (numberOf(fields.resp_bytes) === 0) this.#s.sums.unanswered++
    if (!toDevice) this.#s.sums.opened++
  }

  /** A behaviour that shows often enough, else what weighs most; the votes are weighed by evidence. */
  #type(): AnomalyType {
    const votes = [...this.#s.votes].sort((a, b) => b[1] - a[1])
    const total = votes.reduce((sum, [, weight]) => sum + weight, 0)
    const acts = votes.filter(([type]) => behaviours.has(type))
    const shown = acts.reduce((sum, [, weight]) => sum + weight, 0)
    const enough = Math.min(SHARE * total, (SOME * total) / this.#s.count)
    const type = (acts.length > 0 && shown >= enough ? acts : votes)[0]![0]
    return type !== 'spike' && type !== 'noise' ? type : this.#s.lead > 0 ? 'spike' : 'noise'
  }

  /** On the scale of single anomalies, whose odds are contamination / p. */
  #confidence(): number {
    const { confidence } = this.#s.strongest
    const odds = (confidence / (1 - confidence)) * this.#burst
    return odds < Number.POSITIVE_INFINITY ? odds / (1 + odds) : 1
  }

  /** How much rarer a burst of so many is than one: the square root, as benign alarms come in bursts too. */
  get #burst(): number {
    return Math.sqrt(Math.max(1, this.#s.most))
  }
}

function evidenceOf({ p_value }: Anomaly): number {
  return -Math.log10(Math.max(p_value, Number.MIN_VALUE))
}

function numberOf(value: string | number | undefined): number {
  return typeof value === 'number' ? value : 0
}
