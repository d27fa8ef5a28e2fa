import { describe, expect, it } from 'vitest'
import { expectationStep, expectationValues, HOURS, MOST_RELATED } from '../../src/kernels/expectation.ts'
import { Random } from '../../src/kernels/random.ts'

const DAY = 86_400

/** The same in plain TypeScript, one number after the other. */
function plainStep(
  state: Float64Array,
  ts: number,
  values: Float64Array,
  hours: readonly number[],
  now: Float64Array,
  recently: Float64Array,
  late: boolean,
): void {
  const d = values.length
  const v = d + HOURS
  const n = state[0]!
  if (n === 0) state[1] = ts
  const means = state.subarray(2, 2 + v)
  const covariances = state.subarray(2 + v, 2 + v + v * v)
  const averages = state.subarray(2 + v + v * v, 2 + v + v * v + d)
  const variances = state.subarray(2 + v + v * v + d)
  const x = [...values, ...hours]
  if (n === 0) for (let j = 0; j < v; j++) means[j] = Number.isFinite(x[j]!) ? x[j]! : 0
  const spread = Array.from({ length: v }, (_, j) =>
    Math.max(Math.sqrt(covariances[j * v + j]!), j < d ? 1e-4 * Math.abs(means[j]!) + 1e-12 : 1e-12),
  )
  const off = x.map((xj, j) => (Number.isFinite(xj) ? xj - means[j]! : 0))
  now.fill(0)
  recently.fill(0)
  const known = n - 15 * v
  if (known >= 0) {
    const young = ts - state[1]! < 2 * DAY
    const p = spread.map((a, j) =>
      spread.map((b, k) =>
        j === k ? 1 + 1e-3 + (young && j >= d ? 1e3 : 0) : covariances[j * v + k]! / (a * b),
      ),
    )
    invert(p)
    for (let j = 0; j < d; j++) {
      const sum = off.reduce((so, o, k) => so + (p[j]![k]! * o) / spread[k]!, 0)
      now[j] = off[j] === 0 ? 0 : sum / Math.sqrt(p[j]![j]!)
      if (!Number.isFinite(values[j]!)) continue
      const limited = Math.max(-4, Math.min(4, now[j]!))
      const average = averages[j]! + 0.05 * (limited - averages[j]!)
      const variance = variances[j]!
      recently[j] = average / (Math.sqrt(variance) + Math.sqrt(0.01))
      if (late) continue
      averages[j] = average
      variances[j]! +=
        Math.max(0.0002, 1 / (known + 1)) * (Math.min(average * average, 16 * variance + 0.01) - variance)
    }
  }
  if (late) return
  let far = 1
  for (let j = 0; j < d && known >= 0; j++) {
    far = Math.max(far, Math.abs(off[j]!) / (4 * spread[j]!), Math.abs(now[j]!) / 4)
  }
  const weight = Math.max(0.0002, 1 / (n + 1))
  for (let j = 0; j < v; j++) {
    means[j]! += (weight * off[j]!) / far
    for (let k = 0; k < v; k++) {
      const c = j * v + k
      covariances[c] = (1 - weight) * (covariances[c]! + (weight * off[j]! * off[k]!) / far ** 2)
    }
  }
  state[0] = n + 1
}

function invert(a: number[][]): void {
  for (let p = 0; p < a.length; p++) {
    const pivot = 1 / a[p]![p]!
    for (let k = 0; k < a.length; k++) a[p]![k]! *= pivot
    a[p]![p] = pivot
    for (let i = 0; i < a.length; i++) {
      const factor = a[i]![p]!
      if (i === p || factor === 0) continue
      for (let k = 0; k < a.length; k++) if (k !== p) a[i]![k]! -= factor * a[p]![k]!
      a[i]![p] = -factor * pivot
    }
  }
}

describe('the kernel of expectations', () => {
  it('gives the bits of plain arithmetic, for any number of metrics, gaps, jumps and late readings', () => {
    for (let d = 1; d <= MOST_RELATED; d++) {
      const random = new Random(d)
      const [state, plain] = [new Float64Array(expectationValues(d)), new Float64Array(expectationValues(d))]
      const [now, recently, plainNow, plainRecently] = Array.from({ length: 4 }, () => new Float64Array(d))
      let told = 0
      for (let i = 0; i < 900; i++) {
        const load = random.normal()
        const jump = random.float() < 0.01 ? 1e3 : 0
        const values = Float64Array.from({ length: d }, (_, j) =>
          random.float() < 0.02 ? Number.NaN : j === 3 ? 7 : j * load + random.normal() + jump,
        )
        const ts = 1e9 + i * 400
        const late = random.float() < 0.1
        const hours = [1, 2, 3, 4].map((k) => Math.sin((k * ts) / DAY))
        expectationStep(state, d, ts, values, hours, now!, recently!, late)
        plainStep(plain, ts, values, hours, plainNow!, plainRecently!, late)
        expect([now, recently], `${d} metrics, reading ${i}`).toEqual([plainNow, plainRecently])
        if (now![0] !== 0) told++
      }
      expect(told).toBeGreaterThan(500)
      expect(state).toEqual(plain)
    }
  })
})
