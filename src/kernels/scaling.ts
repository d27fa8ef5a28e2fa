/** How a feature's values become matrix values. */
export interface Scaling {
  readonly center: number
  readonly scale: number
  /** Where the scaled value bends from linear to logarithmic, in scales from the centre; 0 = never, and no rounding. */
  readonly bend: number
  /** Whether values below the centre count as the centre. */
  readonly oneSided: boolean
  /** Of a value that is missing (NaN or infinite). */
  readonly imputed: number
}

/**
 * Steps a unit that scaled values are rounded to: a difference of a tenth of the usual spread is none,
 * and rows that differ by less become equal.
 */
const STEPS = 10
/** A 0/1 column that holds something else later is taken as it is up to here, by its logarithm beyond. */
const FAR = 100
/** Beyond this the square would overflow. */
const FARTHEST = 1e150

/** The matrix value of a finite feature value; finite. */
export function scaled({ center, scale, bend, oneSided }: Omit<Scaling, 'imputed'>, x: number): number {
  const z = (x - center) / scale
  if (bend === 0) return Math.abs(z) <= FAR ? z : Math.sign(z) * (FAR + Math.log(Math.abs(z) / FAR))
  if (z <= 0 && oneSided) return 0
  const steps = Math.round(z < 0 ? -bent(-z, bend) : bent(z, bend))
  return steps / STEPS
}

/** bend asinh(z / bend) in steps, z >= 0. Written out: twice as fast as Math.asinh, and exact enough to be rounded. */
function bent(z: number, bend: number): number {
  const size = Math.min(z / bend, FARTHEST)
  return bend * Math.log(size + Math.sqrt(size * size + 1)) * STEPS
}

/** Scales from the centre that a table of rounded values covers, and its cells: so narrow that none has two steps. */
const REACH = 32
const CELLS_A_SCALE = 16
const CELLS = 2 * REACH * CELLS_A_SCALE
/** So near to a step, or an edge, the formula itself decides; its own error is a thousandth of that. */
const NEAR = 1e-9

/** Rounded values between -REACH and REACH scales by cell, so that few need a logarithm. */
interface Rounded {
  /** Where in the cell the value rises; before all of it where it does not, NaN where the formula is to decide. */
  readonly step: Float64Array
  /** (CELLS + 1) the value at the beginning of each cell. */
  readonly values: Float64Array
}
const tables = { one: new Map<number, Rounded>(), two: new Map<number, Rounded>() }

function roundedBy(bend: number, oneSided: boolean): Rounded {
  const kept = tables[oneSided ? 'one' : 'two']
  const known = kept.get(bend)
  if (known) return known
  const edge = (k: number) => k / CELLS_A_SCALE - REACH
  const at = (z: number) => scaled({ center: 0, scale: 1, bend, oneSided }, z)
  // No zero is negative in a matrix.
  const values = Float64Array.from({ length: CELLS + 1 }, (_, k) => at(edge(k)) + 0)
  const step = Float64Array.from({ length: CELLS }, (_, k) => {
    if (values[k] === values[k + 1]) return Number.NEGATIVE_INFINITY
    let [low, high] = [edge(k), edge(k + 1)]
    while (high - low > NEAR / 16) {
      const middle = (low + high) / 2
      if (at(middle) < values[k + 1]!) low = middle
      else high = middle
    }
    return high - edge(k) < NEAR || edge(k + 1) - high < NEAR ? Number.NaN : high
  })
  const table = { step, values }
  kept.set(bend, table)
  return table
}

/** A scaling with its table at hand. */
export interface Scaler extends Scaling {
  /** Undefined where nothing is rounded. */
  readonly rounded: Rounded | undefined
}

export function scalerOf({ center, scale, bend, oneSided, imputed }: Scaling): Scaler {
  const rounded = bend === 0 ? undefined : roundedBy(bend, oneSided)
  return { center, scale, bend, oneSided, imputed, rounded }
}

/**
 * Writes the matrix values of `column[at, at + n)` to `data`, which is 0 there, every `d` from `out` on. What needs a
 * past that is not there yet (-Infinity) is 0, the centre.
 */
export function scaleColumn(
  how: Scaler,
  column: Float64Array,
  at: number,
  n: number,
  data: Float32Array,
  out: number,
  d: number,
): void {
  const { center, scale, rounded } = how
  if (!rounded) {
    for (let i = 0; i < n; i++) {
      const x = column[at + i]!
      // Most members of a group and most counters are 0.
      if (x !== 0) data[out + i * d] = x === 1 ? 1 : exactly(how, x)
    }
    return
  }
  const { step, values } = rounded
  for (let i = 0; i < n; i++) {
    const x = column[at + i]!
    const z = (x - center) / scale
    const place = (z + REACH) * CELLS_A_SCALE
    if (place >= 0 && place < CELLS) {
      const cell = place | 0
      const beyond = z - step[cell]!
      if (Math.abs(beyond) > NEAR) {
        // Without a branch: nobody can guess on which side of a step a value lies.
        data[out + i * d] = values[cell + Number(beyond > 0)]!
        continue
      }
    }
    data[out + i * d] = exactly(how, x)
  }
}

function exactly(how: Scaling, x: number): number {
  if (x === Number.NEGATIVE_INFINITY) return 0
  return Number.isFinite(x) ? scaled(how, x) + 0 : how.imputed
}
