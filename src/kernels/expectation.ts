import { instantiate, WasmMemory } from './wasm.ts'

interface ExpectationKernel {
  next(
    state: number,
    d: number,
    hours: number,
    ts: number,
    x: number,
    now: number,
    recently: number,
    late: boolean,
    work: number,
  ): void
}

/** Metrics of a device that are related at most, and the terms of the hour of the day beside them. */
export const MOST_RELATED = 12
export const HOURS = 4
const MOST_VARIABLES = MOST_RELATED + HOURS

/** Number of values that is remembered of d metrics: readings, time of the first, means, covariances, averages, their variances. */
export function expectationValues(d: number): number {
  const v = d + HOURS
  return 2 + v + v * v + 2 * d
}

/** The kernel and where its memory has what; made when first used. */
interface Desk {
  readonly kernel: ExpectationKernel
  /** By number of metrics. */
  readonly states: readonly Float64Array[]
  readonly x: Float64Array
  readonly now: Float64Array
  readonly recently: Float64Array
  readonly work: number
}
let desk: Desk | undefined

function theDesk(): Desk {
  if (desk) return desk
  const memory = new WasmMemory()
  const take = (values: number) => new Float64Array(memory.memory.buffer, memory.take(8 * values), values)
  // Views are of the memory as it is when they are made, so the last to be taken comes first.
  const work = memory.take(8 * MOST_VARIABLES * (2 + MOST_VARIABLES))
  const state = take(expectationValues(MOST_RELATED))
  desk = {
    kernel: instantiate('expectation', memory.memory),
    states: Array.from({ length: MOST_RELATED + 1 }, (_, d) => state.subarray(0, expectationValues(d))),
    x: take(MOST_VARIABLES),
    now: take(MOST_RELATED),
    recently: take(MOST_RELATED),
    work,
  }
  return desk
}

/**
 * What d metrics should be by each other and by the hour, and what a reading teaches about that: see
 * `features/reading/expectation.ts`.
 *
 * @param state ({@link expectationValues}) changed, unless `late`
 * @param d metrics, up to {@link MOST_RELATED}
 * @param values (d) NaN = missing
 * @param hours (HOURS) terms of the hour of `ts`
 * @param now (d) filled with how far each metric is from what is expected, in the spread usual for that
 * @param recently (d) filled likewise for the recent average
 */
export function expectationStep(
  state: Float64Array,
  d: number,
  ts: number,
  values: Float64Array,
  hours: readonly number[],
  now: Float64Array,
  recently: Float64Array,
  late: boolean,
): void {
  const { kernel, states, x, now: ownNow, recently: ownRecently, work } = theDesk()
  const own = states[d]!
  own.set(state)
  for (let j = 0; j < d; j++) x[j] = values[j]!
  for (let k = 0; k < HOURS; k++) x[d + k] = hours[k]!
  kernel.next(
    own.byteOffset,
    d,
    HOURS,
    ts,
    x.byteOffset,
    ownNow.byteOffset,
    ownRecently.byteOffset,
    late,
    work,
  )
  if (!late) state.set(own)
  for (let j = 0; j < d; j++) {
    now[j] = ownNow[j]!
    recently[j] = ownRecently[j]!
  }
}
