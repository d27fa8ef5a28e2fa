import type { AnomalyType } from './anomaly.ts'

/** Values of a feature that belong to what was judged: the judged ones, the usual ones and a margin. */
export interface CoveredValues {
  readonly feature: string
  /** In the unit of the feature, inclusive; null = no bound. Left out where only categories were judged. */
  readonly range?: { readonly low: number | null; readonly high: number | null }
  /** Categories, `missing` among them where that was judged. */
  readonly categories: readonly string[]
}

/** What else is meant by a judgement about one anomaly or incident: the like of it. */
export interface FeedbackScope {
  readonly devices: readonly string[]
  readonly types: readonly AnomalyType[]
  /** The features that made it unusual. */
  readonly values: readonly CoveredValues[]
  /** Flows only. */
  readonly flow?: {
    /** Whether the device opened the connection. */
    readonly direction: 'out' | 'in'
    /** `443/tcp`; null = any, where many were tried. */
    readonly services: readonly string[] | null
    /**
     * The other side: an address of the local networks or a group, the network around an outside address
     * (`203.0.113.0/24`, `2001:db8:1::/48`); where many were met `local`, `outside`; null = any.
     */
    readonly peers: readonly string[] | null
  }
}

/** What is kept of everything a person says. */
interface Said {
  /** Eight hexadecimal digits made from the rest, so that the same said twice is one. */
  readonly id: string
  /** When it was said, seconds since the epoch. */
  readonly at: number
  /** Which model it is kept with. */
  readonly kind: 'flows' | 'readings'
  readonly note?: string
  /** Who said it. */
  readonly by?: string
}

/** `expected`: normal here, do not alarm the like of it again; `confirmed`: a real problem, alarm the like of it sooner. */
export interface Judgement extends Said {
  readonly verdict: 'expected' | 'confirmed'
  readonly scope: FeedbackScope
  /** Evidence that was judged: -log10 p of the strongest record. */
  readonly strength: number
  /** How many anomalies were judged, at most those of an average day of the incident. */
  readonly perDay: number
}

/**
 * About the slow change of a device: `hold`: do not follow it beyond `limit`, `follow`: follow it up to `limit`.
 * Of several the last one counts.
 */
export interface DriftDecision extends Said {
  readonly verdict: 'hold' | 'follow'
  readonly device: string
  /** How far the device's normal may be followed in any feature, in about standard deviations of training, >= 0. */
  readonly limit: number
}

/** A step by which the slow change of a device's normal was followed. */
export interface Adaptation {
  /** Eight hexadecimal digits made from the rest. */
  readonly id: string
  readonly kind: 'flows' | 'readings'
  readonly device: string
  /** Flows only: `443/tcp`, `22/tcp incoming`. */
  readonly service?: string
  /** Event time, seconds since the epoch. */
  readonly at: number
  /** How far the normal is followed in the feature that moved most, before and after: in about standard deviations. */
  readonly from: number
  readonly to: number
  /** What is usual, before and after, in the units of the features; those that moved most. */
  readonly changes: readonly {
    readonly feature: string
    readonly unit: string
    readonly from: number
    readonly to: number
  }[]
  /** One sentence. */
  readonly why: string
}

/** What a person said; JSON-able. Kept with the model. */
export type Feedback = Judgement | DriftDecision
