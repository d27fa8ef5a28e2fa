import { describe, expect, it } from 'vitest'
import { type Matrix, matrix, selectRows } from '../../src/kernels/matrix.ts'
import { Random } from '../../src/kernels/random.ts'
import { WorkerPool } from '../../src/kernels/worker-pool.ts'
import { ModelFormatError } from '../../src/models/buffer.ts'
import type { Detector, FittedDetector } from '../../src/models/detector.ts'
import { rocAuc } from '../../src/models/metrics.ts'
import { scoreParallel } from '../../src/models/parallel.ts'

/**
 * n samples of d standard normal features that share a common factor, so that every pair correlates 0.5.
 *
 * @param shifts for sample i: feature `feature` is moved by `by` standard deviations
 */
export function correlatedNormal(
  n: number,
  d: number,
  seed: number,
  shifts: readonly { sample: number; feature: number; by: number }[] = [],
): Matrix {
  const random = new Random(seed)
  const data = new Float32Array(n * d)
  for (let i = 0; i < n; i++) {
    const common = random.normal()
    for (let j = 0; j < d; j++) data[i * d + j] = Math.SQRT1_2 * (common + random.normal())
  }
  for (const { sample, feature, by } of shifts) data[sample * d + feature]! += by
  return matrix(
    data,
    Array.from({ length: d }, (_, j) => `x${j}`),
  )
}

export const bytesOf = (array: ArrayBufferLike | ArrayBufferView): Uint8Array =>
  ArrayBuffer.isView(array)
    ? new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice()
    : new Uint8Array(array).slice()

/** What a detector must say about itself so that the shared contract can test it. */
export interface DetectorUnderTest {
  /** A fresh detector with its default parameters, quick enough to fit 1000 x 6 within a second. */
  create(): Detector
  /** Opens what `toBuffer` gave. */
  load(buffer: ArrayBufferLike): FittedDetector
}

/** Every promise of `Detector` and `FittedDetector`, checked on one implementation. */
export function detectorContract(name: string, { create, load }: DetectorUnderTest): void {
  describe(`${name} keeps the detector contract`, () => {
    const d = 6
    const train = correlatedNormal(1000, d, 1)
    const planted = Array.from({ length: 20 }, (_, k) => ({ sample: k * 20, feature: k % d, by: 8 }))
    const test = correlatedNormal(400, d, 2, planted)
    const fitted = create().fit(train)
    const scores = fitted.score(test)

    it('knows its name and features', () => {
      expect(fitted.name).toBe(create().name)
      expect(fitted.featureNames).toEqual(train.featureNames)
    })

    it('gives the same bytes for the same data and parameters', () => {
      const again = create().fit(train)
      expect(bytesOf(again.toBuffer())).toEqual(bytesOf(fitted.toBuffer()))
      expect(bytesOf(again.score(test))).toEqual(bytesOf(scores))
      expect(bytesOf(again.contributions(test))).toEqual(bytesOf(fitted.contributions(test)))
    })

    it('leaves its input as it was', () => {
      const before = bytesOf(test.data)
      const trainBefore = bytesOf(train.data)
      create().fit(train)
      fitted.score(test)
      fitted.contributions(test)
      expect(bytesOf(train.data)).toEqual(trainBefore)
      expect(bytesOf(test.data)).toEqual(before)
    })

    it('gives finite scores and fills the caller’s output', () => {
      expect(scores).toHaveLength(test.nSamples)
      expect(scores.every(Number.isFinite)).toBe(true)
      const out = new Float64Array(test.nSamples)
      expect(fitted.score(test, out)).toBe(out)
      expect(bytesOf(out)).toEqual(bytesOf(scores))
      const contributions = new Float32Array(test.data.length)
      expect(fitted.contributions(test, contributions)).toBe(contributions)
      expect(contributions.every(Number.isFinite)).toBe(true)
    })

    it('scores a sample by itself: order, company and number of samples do not matter', () => {
      const order = new Random(3).sample(test.nSamples, test.nSamples)
      const permuted = fitted.score(selectRows(test, order))
      expect(bytesOf(permuted)).toEqual(bytesOf(Float64Array.from(order, (i) => scores[i]!)))
      const all = fitted.contributions(test)
      for (const i of [0, 1, 57, 399]) {
        const alone = selectRows(test, [i])
        expect(fitted.score(alone)[0]).toBe(scores[i])
        expect(bytesOf(fitted.contributions(alone))).toEqual(bytesOf(all.slice(i * d, (i + 1) * d)))
      }
      expect(fitted.score(selectRows(test, []))).toHaveLength(0)
    })

    it('ranks planted outliers first', () => {
      // Far out in every feature, against the correlation.
      const outliers = Array.from({ length: 20 * d }, (_, k) => ({
        sample: 20 * Math.floor(k / d),
        feature: k % d,
        by: k % 2 ? 8 : -8,
      }))
      const X = correlatedNormal(400, d, 5, outliers)
      const labels = Uint8Array.from({ length: 400 }, (_, i) => (i % 20 === 0 ? 1 : 0))
      expect(rocAuc(fitted.score(X), labels)).toBe(1)
    })

    it('credits the planted feature first', () => {
      const contributions = fitted.contributions(test)
      const right = planted.filter(({ sample, feature }) => {
        const row = contributions.subarray(sample * d, (sample + 1) * d)
        return row.indexOf(Math.max(...row)) === feature
      })
      expect(right.length / planted.length).toBeGreaterThanOrEqual(0.95)
    })

    it('is the same after a round trip through its buffer', () => {
      for (const buffer of [fitted.toBuffer(), bytesOf(fitted.toBuffer()).buffer]) {
        const loaded = load(buffer)
        expect(loaded.name).toBe(fitted.name)
        expect(loaded.featureNames).toEqual(fitted.featureNames)
        expect(bytesOf(loaded.score(test))).toEqual(bytesOf(scores))
        expect(bytesOf(loaded.contributions(test))).toEqual(bytesOf(fitted.contributions(test)))
        expect(bytesOf(loaded.toBuffer())).toEqual(bytesOf(fitted.toBuffer()))
      }
    })

    it('refuses damaged and cut off buffers', () => {
      const whole = bytesOf(fitted.toBuffer())
      const random = new Random(4)
      for (let k = 0; k < 20; k++) {
        const cut = whole.slice(0, random.int(whole.length))
        expect(() => load(cut.buffer)).toThrow(ModelFormatError)
        const damaged = whole.slice()
        damaged[random.int(damaged.length)]! ^= 0x41
        expect(() => load(damaged.buffer)).toThrow(ModelFormatError)
      }
    })

    it('stays finite for the largest values there are, and still names the feature', () => {
      const rows = [3e19, 1e30, 3.4e38].flatMap((value) =>
        Array.from({ length: d }, (_, feature) => ({ feature, value })),
      )
      const data = new Float32Array(rows.length * d)
      rows.forEach(({ feature, value }, i) => {
        data[i * d + feature] = i % 2 ? value : -value
      })
      const X = matrix(data, train.featureNames)
      expect(fitted.score(X).every(Number.isFinite)).toBe(true)
      const contributions = fitted.contributions(X)
      rows.forEach(({ feature }, i) => {
        const row = contributions.subarray(i * d, (i + 1) * d)
        expect(row.every(Number.isFinite)).toBe(true)
        expect(row.indexOf(Math.max(...row))).toBe(feature)
      })
    })

    it('throws on the wrong width, naming both', () => {
      const narrow = correlatedNormal(3, d - 1, 1)
      expect(() => fitted.score(narrow)).toThrow(/6 features.*with 5/)
      expect(() => fitted.contributions(narrow)).toThrow(/6 features.*with 5/)
    })

    it('throws on an output of the wrong length', () => {
      expect(() => fitted.score(test, new Float64Array(3))).toThrow(RangeError)
      expect(() => fitted.contributions(test, new Float32Array(3))).toThrow(RangeError)
    })

    it('throws on values that are not finite, naming the place', () => {
      for (const value of [Number.NaN, Infinity, -Infinity]) {
        const broken = correlatedNormal(50, d, 1)
        broken.data[17 * d + 4] = value
        expect(() => create().fit(broken)).toThrow(/sample 17.*x4/)
        expect(() => fitted.score(broken)).toThrow(/sample 17.*x4/)
        expect(() => fitted.contributions(broken)).toThrow(/sample 17.*x4/)
      }
    })

    it('throws on no samples and no features', () => {
      expect(() => create().fit(selectRows(train, []))).toThrow(RangeError)
      expect(() => create().fit(matrix(new Float32Array(0), []))).toThrow(RangeError)
    })

    it('fits one sample, equal samples and constant features without harm', () => {
      const one = selectRows(train, [0])
      const equal = selectRows(train, new Uint32Array(300))
      const constant = matrix(
        train.data.map((v, k) => (k % d === 2 ? 5 : v)),
        train.featureNames,
      )
      for (const X of [one, equal, constant]) {
        const model = create().fit(X)
        expect(model.score(X).every(Number.isFinite)).toBe(true)
        expect(model.score(test).every(Number.isFinite)).toBe(true)
        expect(model.contributions(test).every(Number.isFinite)).toBe(true)
        expect(bytesOf(load(model.toBuffer()).score(test))).toEqual(bytesOf(model.score(test)))
      }
    })

    it('gives the same bytes with 1 worker and with 3', async () => {
      const many = correlatedNormal(10_000, d, 6)
      const expected = bytesOf(fitted.score(many))
      for (const workers of [1, 3]) {
        const pool = new WorkerPool(workers)
        expect(bytesOf(await scoreParallel(fitted, many, pool))).toEqual(expected)
        await pool.close()
      }
    })
  })
}
