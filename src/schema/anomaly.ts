/** What kind of misbehaviour an anomaly looks like. */
export type AnomalyType =
  | 'port scan'
  | 'flood'
  | 'beaconing'
  | 'exfiltration'
  | 'brute force'
  | 'new destination'
  | 'new service'
  | 'unusual volume'
  | 'unusual hour'
  | 'unusual connection'
  | 'spike'
  | 'drift'
  | 'stuck'
  | 'noise'
  | 'dropout'
  | 'correlation break'
  | 'unusual reading'
  | 'unusual row'

/** One feature that made a record abnormal, in the units a person knows. */
export interface AffectedFeature {
  /** Feature name, e.g. `orig_bytes`, `proto`, `temperature`. */
  readonly feature: string
  /** The value seen, in `unit`; a category is a string. */
  readonly value: number | string
  /** 'bytes', 'packets/s', '°C', …; '' for a pure number or a category. */
  readonly unit: string
  /** What training showed: a 1 %–99 % range, or the usual categories. */
  readonly typical: { readonly low: number; readonly high: number } | { readonly usual: readonly string[] }
  /** Share of the score that this feature explains, 0–1; the shares of all features add up to 1. */
  readonly contribution: number
}

/** One feature that would have had to be different. */
export interface CounterfactualChange {
  readonly feature: string
  /** The value seen, in `unit`; a category is a string. */
  readonly value: number | string
  /** The value with which the record would have been ordinary: about the last one that is, where there is a bound. */
  readonly ordinary: number | string
  readonly unit: string
  /** Which side of `ordinary` is ordinary; left out for categories. */
  readonly bound?: 'at most' | 'at least'
}

/** What would have had to be different for a record to be no anomaly; found and checked by scoring it so. */
export interface Counterfactual {
  /** As few as were found, all at once. */
  readonly changes: readonly CounterfactualChange[]
  /** One sentence. */
  readonly description: string
}

/** One explained anomaly. */
export interface Anomaly {
  /** Id of the incident it is part of: anomalies of one behaviour have the same; 1, 2, … in order of first sight. */
  readonly incident: number
  /** The device that took part: MAC or IP address for flows, its own id for readings. */
  readonly device: string
  /** Host name where one was learned (DHCP, mDNS). */
  readonly device_name?: string
  /** Seconds since the epoch of the record; NaN when the source has no time. */
  readonly timestamp: number
  readonly type: AnomalyType
  /** 0–1; 0.5 is the contamination boundary, see docs/confidence.md. */
  readonly confidence: number
  /** Tail probability of a record at least this abnormal among benign ones, 0–1. */
  readonly p_value: number
  /** Confidence by each model. */
  readonly model_confidence: Readonly<Record<string, number>>
  /** Largest contribution first. */
  readonly affected_features: readonly AffectedFeature[]
  /** One sentence or two, plain language. */
  readonly description: string
  /** For the first of an incident, as long as incidents are few; told for the strongest with the incident. */
  readonly counterfactual?: Counterfactual
  /** 0-based number of the record among those used, in input order. */
  readonly record: number
  /** Which source (file) the record came from. */
  readonly source: string
  /** The record itself: the flow's or reading's fields that are set. */
  readonly fields: Readonly<Record<string, string | number>>
  /** Ground truth carried through for evaluation, when the source has it. */
  readonly label?: string
  /** Id of the feedback but for which it would not be one: the like of it was confirmed. */
  readonly confirmed_by?: string
}
