import type { Anomaly, AnomalyType, Counterfactual } from './anomaly.ts'

/** A technique of MITRE ATT&CK (Enterprise `T1046`, ICS `T0846`). */
export interface Technique {
  readonly id: string
  readonly name: string
}

/** What was met how often: an address, `23/tcp`, a metric. */
export interface Counted {
  readonly value: string
  /** Of the incident's anomalies; a lower bound where there are very many different values. */
  readonly count: number
}

/** Different values and those met most often. */
export interface TopValues {
  /** Number of different values; exact up to 64, an estimate within some 3 % beyond. */
  readonly distinct: number
  /** Most frequent first, at most ten. */
  readonly top: readonly Counted[]
}

/** Anomalies of one behaviour: a flood, a search for victims, a server called again and again, a failing sensor. */
export interface Incident {
  /** As in the `incident` of its anomalies; 1, 2, … in order of first sight. */
  readonly id: number
  readonly kind: 'flows' | 'readings'
  /** What the behaviour as a whole looks like; single anomalies of it may look different. */
  readonly type: AnomalyType
  /** What its single anomalies look like, most evidence first. */
  readonly types: readonly AnomalyType[]
  /** Where the type is an attack that MITRE ATT&CK describes. */
  readonly technique?: Technique
  /** Most active first. */
  readonly devices: readonly { readonly device: string; readonly name?: string; readonly count: number }[]
  /** Seconds since the epoch of the first and the last anomaly; NaN where the source has no time. */
  readonly first: number
  readonly last: number
  /** Number of anomalies. */
  readonly count: number
  /** For flows: who was on the other side, and the ports of the services with their transport. */
  readonly addresses: TopValues
  readonly ports: TopValues
  /** Features named as causes. */
  readonly features: TopValues
  /** Highest confidence of a single anomaly. */
  readonly highest_confidence: number
  /** Confidence of all anomalies together: equal to the highest for one alone, the higher the more came at a time. */
  readonly confidence: number
  /** -log10 p of the strongest anomaly plus half of log10 of how many came within ten minutes. */
  readonly evidence: number
  /** One sentence. */
  readonly description: string
  /** What would have been ordinary instead of the strongest anomaly; for the incidents with most evidence. */
  readonly counterfactual?: Counterfactual
  /** Representative anomalies; the same one may stand for all three. */
  readonly strongest: Anomaly
  readonly first_anomaly: Anomaly
  readonly last_anomaly: Anomaly
}
