import { expectationValues, MOST_RELATED } from '../../kernels/expectation.ts'
import { Expectation } from './expectation.ts'
import { SURPRISE_VALUES, Surprise } from './surprise.ts'

/** What is remembered of one metric of one device. */
export interface Metric {
  /** The last value, and how often in a row it came again. */
  value: number
  same: number
  /** Recent mean and variance; the device's own usual mean. */
  mean: number
  variance: number
  usual: number
  count: number
  readonly surprise: Surprise
}

export interface Device {
  /** Newest reading, seconds since the epoch. */
  ts: number
  seen: number
  readonly metrics: Map<string, Metric>
  /** Metrics compared with each other, and what they imply. */
  related: readonly string[]
  expectation: Expectation | undefined
}

export interface ReadingsState {
  /** Devices so far, up to two. */
  readonly several: number
  readonly old: [string, Device][]
  readonly young: [string, Device][]
}

/** 'MWRS' in a little-endian word, and the version of what follows. */
const MAGIC = 0x5352574d
const VERSION = 3
const HEAD = 4
/** float64 values of a device, and of a metric. */
const DEVICE_VALUES = 2
const METRIC_VALUES = 11

/** Devices by name with the numbers of their metrics in `metrics`, and of those related; those of the older generation come first. */
interface Names {
  several: number
  old: number
  metrics: string[]
  devices: [string, number[], number[]][]
}

/** Bytes that a device takes in {@link readingsToBuffer}, about. */
export function bytesOf(id: string, { metrics, expectation }: Device): number {
  let bytes = 16 + id.length + 8 * (DEVICE_VALUES + (expectation?.state.length ?? 0))
  for (const { surprise } of metrics.values()) {
    bytes += 4 + 8 * METRIC_VALUES + (surprise.hasPast ? 4 * SURPRISE_VALUES : 0)
  }
  return bytes
}

/**
 * Magic, version, bytes of JSON, number of pasts; numbers of devices and their metrics (float64), pasts (float32), names (JSON).
 */
export function readingsToBuffer({ several, old, young }: ReadingsState): ArrayBuffer {
  const entries = [...old, ...young]
  let [count, nPasts] = [0, 0]
  for (const [, { metrics, expectation }] of entries) {
    count += DEVICE_VALUES + (expectation?.state.length ?? 0) + METRIC_VALUES * metrics.size
    for (const { surprise } of metrics.values()) if (surprise.hasPast) nPasts++
  }
  // Written at once into its place: there may be hundreds of megabytes.
  const pastsAt = 4 * HEAD + 8 * count
  const jsonAt = pastsAt + 4 * SURPRISE_VALUES * nPasts
  const metricOf = new Map<string, number>()
  const devices = entries.map(([id, { metrics, related, expectation }]): Names['devices'][number] => {
    for (const name of metrics.keys()) if (!metricOf.has(name)) metricOf.set(name, metricOf.size)
    const numbersOf = (names: Iterable<string>) => Array.from(names, (name) => metricOf.get(name)!)
    return [id, numbersOf(metrics.keys()), expectation ? numbersOf(related) : []]
  })
  const names: Names = { several, old: old.length, metrics: [...metricOf.keys()], devices }
  const json = new TextEncoder().encode(JSON.stringify(names))
  const buffer = new ArrayBuffer(jsonAt + json.length)
  new Uint32Array(buffer, 0, HEAD).set([MAGIC, VERSION, json.length, nPasts])
  const numbers = new Float64Array(buffer, 4 * HEAD, count)
  const pasts = new Float32Array(buffer, pastsAt, SURPRISE_VALUES * nPasts)
  let [at, past] = [0, 0]
  for (const [, { ts, seen, metrics, expectation }] of entries) {
    numbers[at++] = ts
    numbers[at++] = seen
    if (expectation) {
      numbers.set(expectation.state, at)
      at += expectation.state.length
    }
    for (const { value, same, mean, variance, usual, count, surprise } of metrics.values()) {
      const own = surprise.state
      numbers[at++] = value
      numbers[at++] = same
      numbers[at++] = mean
      numbers[at++] = variance
      numbers[at++] = usual
      numbers[at++] = count
      // A metric that found no room for a past has had enough readings for one.
      numbers[at++] = own.memory ? own.n : -own.n
      numbers[at++] = own.usual
      numbers[at++] = own.variance
      numbers[at++] = own.recent
      numbers[at++] = own.recentVariance
      if (own.memory) pasts.set(own.memory, SURPRISE_VALUES * past++)
    }
  }
  new Uint8Array(buffer, jsonAt).set(json)
  return buffer
}

/** @throws RangeError when `buffer` is damaged or was made by another version */
export function readingsFromBuffer(buffer: ArrayBufferLike): ReadingsState {
  const wrong = new RangeError(
    `the saved pasts of readings expect version ${VERSION}, got ${buffer.byteLength} bytes that are damaged or of another version; start without them`,
  )
  if (buffer.byteLength < 4 * HEAD) throw wrong
  const [magic, version, jsonBytes = 0, nPasts = 0] = new Uint32Array(buffer, 0, HEAD)
  const jsonAt = buffer.byteLength - jsonBytes
  const pastsAt = jsonAt - 4 * SURPRISE_VALUES * nPasts
  const count = (pastsAt - 4 * HEAD) / 8
  if (magic !== MAGIC || version !== VERSION || !(count >= 0) || !Number.isInteger(count)) throw wrong
  const names = parse(new Uint8Array(buffer, jsonAt))
  let expected = 0
  for (const [, own, related] of names?.devices ?? []) {
    if (related.length > MOST_RELATED) throw wrong
    expected +=
      DEVICE_VALUES + METRIC_VALUES * own.length + (related.length && expectationValues(related.length))
  }
  if (!names || count !== expected) throw wrong
  const numbers = new Float64Array(buffer, 4 * HEAD, count)
  let at = 0
  let past = 0
  const next = () => numbers[at++]!
  const entries = names.devices.map(([id, own, together]): [string, Device] => {
    const [ts, seen] = [next(), next()]
    const related = together.map((k) => names.metrics[k] ?? '')
    const expectation =
      related.length > 0
        ? new Expectation(
            related.length,
            Float64Array.from({ length: expectationValues(related.length) }, next),
          )
        : undefined
    const metrics = own.map((k): [string, Metric] => {
      const [value, same, mean, variance] = [next(), next(), next(), next()]
      const [usual, count, n] = [next(), next(), next()]
      const [ownUsual, ownVariance, recent, recentVariance] = [next(), next(), next(), next()]
      const hasPast = n > 0 && past < nPasts
      const memory = hasPast
        ? new Float32Array(buffer, pastsAt + 4 * SURPRISE_VALUES * past++, SURPRISE_VALUES).slice()
        : undefined
      const surprise = {
        n: Math.abs(n),
        usual: ownUsual,
        variance: ownVariance,
        recent,
        recentVariance,
        memory,
      }
      const metric = { value, same, mean, variance, usual, count, surprise: new Surprise(surprise) }
      return [names.metrics[k] ?? '', metric]
    })
    return [id, { ts, seen, metrics: new Map(metrics), related, expectation }]
  })
  if (past !== nPasts) throw wrong
  return { several: names.several, old: entries.slice(0, names.old), young: entries.slice(names.old) }
}

function parse(bytes: Uint8Array): Names | undefined {
  try {
    // A copy, as TextDecoder does not take shared memory.
    const names = JSON.parse(new TextDecoder().decode(Uint8Array.from(bytes))) as Names
    return Array.isArray(names.devices) && Array.isArray(names.metrics) ? names : undefined
  } catch {
    return undefined
  }
}
