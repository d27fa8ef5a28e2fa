import type { Undo } from '../schema/undo.ts'

/** What one feature is: its name, unit and how a person reads its value. */
export interface FeatureSpec {
  /** Unique within a set: 'orig_bytes', 'proto=udp', 'device flows in 1 min', 'temperature change'. */
  readonly name: string
  /** Unit of the value as shown: 'bytes', 's', 'packets/s', '°C'; '' for a pure number. */
  readonly unit: string
  /**
   * How the stored value relates to the shown one: log1p values are shown through expm1; a 'code' stands
   * for one of very many categories (ports), is spelled out by {@link spell}, and is compared by how rare it is;
   * 'evidence' is -log10 of a p-value, shown as one in so many, and is never scaled.
   */
  readonly scale: 'linear' | 'log1p' | 'code' | 'evidence'
  /** Which side is suspicious; 'high' when only large values matter. */
  readonly direction: 'both' | 'high' | 'low'
  /** One-hot members of one categorical feature share `group`; `category` is the value this one stands for. */
  readonly group?: string
  readonly category?: string
  /** A sine/cosine pair over the day or the week: only valid where training covers the cycle; shown as an hour or a weekday. */
  readonly cycle?: 'day' | 'week'
  /** Seconds that training must cover: over less, the feature is hardly ever anything but 0 and would be news later. */
  readonly span?: number
  /** Name of a 'code' feature: this one counts only where that code was rare in training, the more the rarer. */
  readonly whereRare?: string
  /** Plain words for descriptions: 'bytes sent', 'connections in the last minute'. */
  readonly words: string
  /** For a sensor metric: which metric it derives from and how, used to tell spike, drift, stuck, noise apart. */
  readonly metric?: string
  readonly aspect?: 'level' | 'change' | 'spread' | 'gap' | 'relation'
}

/**
 * The value of a feature that needs a past which the device does not have yet: its average, its own usual. Not missing:
 * whatever the fleet has in the middle is assumed of it, so that it counts neither for nor against the record.
 */
export const UNKNOWN_YET = Number.NEGATIVE_INFINITY

/** Features of a batch before scaling: one float64 column a feature, NaN = missing, or {@link UNKNOWN_YET}. */
export interface FeatureColumns {
  readonly length: number
  readonly specs: readonly FeatureSpec[]
  /** `columns[j][i]` is feature j of row i. */
  readonly columns: readonly Float64Array[]
}

/**
 * Turns batches into features, in order; keeps whatever state behaviour over time needs, bounded
 * per device. Feeding the same records in the same order gives the same values however they are cut
 * into batches.
 */
export interface FeatureExtractor<B> {
  /** @param undo where given, learns how to put back what the batch changed in the state */
  extract(batch: B, undo?: Undo): FeatureColumns
}

/** How well an extractor knows a device. */
export interface Acquaintance {
  /** Records of it so far. */
  readonly seen: number
  /** Records left until its own normal is known, 0 = it is; an estimate where time decides. */
  readonly learning: number
  /** Newest record, seconds since the epoch. */
  readonly last: number
}

/**
 * The kind of port a flow uses as one number, for features of scale 'code'. TCP and UDP share their
 * ports: a service asked by the other of the two is unusual by `proto`, not a service never seen.
 *
 * @param port 0–65535; undefined for a protocol without ports, which then stands for itself
 * @param incoming whether the peer opened the connection, so that the port is the device's own
 */
export function portCode(proto: number, port: number | undefined, incoming: boolean): number {
  return (incoming ? 2 ** 24 : 0) + (port ?? 65536 + proto)
}

/** What a {@link portCode} stands for: '6667', '22 incoming', 'icmp'. */
export function spell(code: number): string {
  const port = code % 2 ** 24
  const words: Readonly<Record<number, string>> = { 1: 'icmp', 2: 'igmp', 47: 'gre', 50: 'esp', 58: 'icmp6' }
  const text = port < 65536 ? String(port) : (words[port - 65536] ?? `protocol ${port - 65536}`)
  return code >= 2 ** 24 ? `${text} incoming` : text
}
