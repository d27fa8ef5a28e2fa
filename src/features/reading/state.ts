import { Expectation, expectationValues } from './expectation.ts'
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
  const numbers: number[] = []
  const pasts: Float32Array[] = []
  const metricOf = new Map<string, number>()
  const devices = [...old, ...young].map(([id, device]): [string, number[], number[]] => {
    const { ts, seen, metrics, related, expectation } = device
    numbers.push(ts, seen)
    if (expectation) for (const value of expectation.state) numbers.push(value)
    for (const m of metrics.values()) {
      const { memory, n, usual, variance, recent, recentVariance } = m.surprise.save()
      numbers.push(m.value, m.same, m.mean, m.variance, m.usual, m.count)
      // A metric that found no room for a past has had enough readings for one.
      numbers.push(memory ? n : -n, usual, variance, recent, recentVariance)
      if (memory) pasts.push(memory)
    }
    const own = [...metrics.keys()].map((name) => {
      if (!metricOf.has(name)) metricOf.set(name, metricOf.size)
      return metricOf.get(name)!
    })
    return [id, own, expectation ? related.map((name) => metricOf.get(name)!) : []]
  })
  const names: Names = { several, old: old.length, metrics: [...metricOf.keys()], devices }
  const json = new TextEncoder().encode(JSON.stringify(names))
  const at = 4 * HEAD
  const pastsAt = at + 8 * numbers.length
  const jsonAt = pastsAt + 4 * SURPRISE_VALUES * pasts.length
  const buffer = new ArrayBuffer(jsonAt + json.length)
  new Uint32Array(buffer, 0, HEAD).set([MAGIC, VERSION, json.length, pasts.length])
  new Float64Array(buffer, at, numbers.length).set(numbers)
  pasts.forEach((past, k) => {
    new Float32Array(buffer, pastsAt + 4 * SURPRISE_VALUES * k, SURPRISE_VALUES).set(past)
  })
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
