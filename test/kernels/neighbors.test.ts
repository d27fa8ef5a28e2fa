import { describe, expect, it } from 'vitest'
import { distinctRows, RowIndex } from '../../src/kernels/distinct-rows.ts'
import { nearestNeighbors, nearestNeighborsAsync } from '../../src/kernels/neighbors.ts'
import { axesOf } from '../../src/kernels/neighbors-by-axes.ts'
import { Random } from '../../src/kernels/random.ts'
import { tileOrder } from '../../src/kernels/tile-order.ts'
import { WorkerPool } from '../../src/kernels/worker-pool.ts'

/** The definition: sum float32 squares in order of the features, sort by distance, then by row number. */
function bruteForce(rows: Float32Array, queries: Float32Array, d: number, k: number, leaveOut: boolean) {
  const indices: number[] = []
  const distances: number[] = []
  const sums = new Float32Array(rows.length / d)
  for (let q = 0; q < queries.length / d; q++) {
    for (let r = 0; r < sums.length; r++) {
      let sum = 0
      for (let j = 0; j < d; j++) {
        const e = Math.fround(rows[r * d + j]! - queries[q * d + j]!)
        sum = Math.fround(sum + Math.fround(e * e))
      }
      sums[r] = sum
    }
    const found = Array.from(sums.keys())
      .filter((r) => !(leaveOut && r === q))
      .sort((a, b) => sums[a]! - sums[b]! || a - b)
      .slice(0, k)
    for (const r of found) {
      indices.push(r)
      distances.push(Math.sqrt(sums[r]!))
    }
  }
  return { indices, distances }
}

const draw = (n: number, of: (random: Random) => number, seed = 1) => {
  const random = new Random(seed)
  return Float32Array.from({ length: n }, () => of(random))
}

describe('nearestNeighbors equals comparing all, bit by bit', () => {
  const kinds: Record<string, (random: Random) => number> = {
    'normal values': (r) => r.normal(),
    'values on a grid, most distances equal': (r) => r.int(3),
    'values far from 0, where inner products cancel': (r) => 1000 + r.normal(),
    'values of every size': (r) => r.normal() * 10 ** (8 * r.float() - 4),
    'values that all are equal': () => 0.1,
    'a few values far from the others': (r) => r.normal() * (r.float() < 0.001 ? 100 : 1),
    'most values in a small range': (r) => r.normal() ** 5,
  }
  for (const [kind, value] of Object.entries(kinds)) {
    it.each([
      [1, 1, 1, 1],
      [3, 5, 1, 20],
      [65, 7, 3, 5],
      [200, 131, 4, 20],
      [500, 70, 9, 20],
      [400, 65, 24, 7],
      [700, 70, 15, 3],
    ])(`${kind}: %i rows, %i queries, %i features, %i neighbours`, (n, m, d, k) => {
      const rows = draw(n * d, value)
      const queries = draw(m * d, value, 2)
      queries.set(rows.subarray(0, Math.min(rows.length, d * 2, queries.length)))
      for (const leaveOut of [false, true]) {
        const asked = leaveOut ? rows : queries
        const found = nearestNeighbors(rows, asked, d, k, leaveOut)
        const expected = bruteForce(rows, asked, d, k, leaveOut)
        expect(found.k).toBe(Math.min(k, leaveOut ? n - 1 : n))
        expect([...found.indices]).toEqual(expected.indices)
        expect([...found.distances]).toEqual(expected.distances)
      }
    })
  }

  /** Rows that lie about a plane of `hidden` dimensions. */
  const aboutPlane = (n: number, d: number, of: (random: Random) => number, noise: number, seed = 1) => {
    const hidden = 3
    const weights = draw(hidden * d, (r) => r.int(7) - 3, 99)
    const random = new Random(seed)
    const out = new Float32Array(n * d)
    for (let i = 0; i < n; i++) {
      const at = Array.from({ length: hidden }, () => of(random))
      for (let j = 0; j < d; j++) {
        at.forEach((value, h) => {
          out[i * d + j]! += value * weights[h * d + j]!
        })
        out[i * d + j]! += noise * random.normal()
      }
    }
    return out
  }
  const planes: Record<string, readonly [(random: Random) => number, number]> = {
    'normal values': [(r) => r.normal(), 0.1],
    'whole numbers, most distances equal': [(r) => r.int(4), 0],
    'values far from 0': [(r) => 10_000 + r.normal(), 0.01],
    'values of every size': [(r) => r.normal() * 10 ** (8 * r.float() - 4), 1e-6],
    'a few values far from the others': [(r) => r.normal() * (r.float() < 0.004 ? 1e4 : 1), 0.1],
    'large values': [(r) => r.normal() * 1e10, 1e8],
    'small values': [(r) => r.normal() * 1e-18, 1e-20],
    'tight clusters': [(r) => r.int(5) * 100 + 1e-3 * r.normal(), 1e-4],
  }
  for (const [kind, [value, noise]] of Object.entries(planes)) {
    it.each([
      [512, 17, 16, 20],
      [1337, 30, 24, 5],
      [700, 40, 131, 20],
      [600, 20, 40, 500],
    ])(`about a plane, ${kind}: %i rows, %i queries, %i features, %i neighbours`, (n, m, d, k) => {
      const rows = aboutPlane(n, d, value, noise)
      expect(axesOf(rows, d)?.axes.length).toBeLessThanOrEqual(6)
      const queries = aboutPlane(m, d, value, noise, 2)
      queries.set(rows.subarray(0, d * 2))
      // Far from all rows, along the plane and away from it.
      for (let j = 0; j < 2 * d; j++) queries[2 * d + j]! *= 50
      for (let j = 0; j < d; j++) queries[4 * d + j]! += 100 * (j % 3) * rows[j]!
      for (let j = 0; j < d; j++) queries[5 * d + j] = 1e6 * rows[j]! + j
      for (const leaveOut of [false, true]) {
        const asked = leaveOut ? rows.subarray(0, 64 * d) : queries
        const found = nearestNeighbors(rows, asked, d, k, leaveOut)
        const expected = bruteForce(rows, asked, d, k, leaveOut)
        expect([...found.indices]).toEqual(expected.indices)
        expect([...found.distances]).toEqual(expected.distances)
      }
    })
  }

  it.each([24, 131])('of queries that all lie far away on one side: %i features', (d) => {
    const rows = aboutPlane(1100, d, (r) => r.normal(), 0.1)
    const side = draw(d, (r) => 20 * r.normal(), 5)
    // The second time they are expected there, the third time on the other side.
    for (const sign of [1, 1, -1, -1]) {
      const queries = aboutPlane(100, d, (r) => r.normal(), 0.1, 7 + sign)
      for (let i = 0; i < queries.length; i++) queries[i]! += sign * side[i % d]!
      const found = nearestNeighbors(rows, queries, d, 20)
      const expected = bruteForce(rows, queries, d, 20, false)
      expect([...found.indices]).toEqual(expected.indices)
      expect([...found.distances]).toEqual(expected.distances)
    }
  })

  it.each([1.9, 2.5])('where a row or the query lies beyond all others: query at %d', (at) => {
    const d = 16
    const rows = draw(2500 * d, (r) => r.normal())
    rows.fill(2.4, 2400 * d, 2401 * d)
    rows.fill(2, 2450 * d, 2451 * d)
    const query = new Float32Array(d).fill(at)
    const found = nearestNeighbors(rows, query, d, 2)
    const expected = bruteForce(rows, query, d, 2, false)
    expect([...found.indices]).toEqual(expected.indices)
    expect([...found.distances]).toEqual(expected.distances)
  })

  it('with threads and in any order of the queries', async () => {
    const d = 6
    const rows = draw(3000 * d, (r) => r.normal())
    const queries = draw(1000 * d, (r) => r.normal(), 2)
    const expected = nearestNeighbors(rows, queries, d, 10)
    const pool = new WorkerPool(2)
    try {
      const threaded = await nearestNeighborsAsync(rows, queries, d, 10, false, pool)
      expect([...threaded.indices]).toEqual([...expected.indices])
      expect([...threaded.distances]).toEqual([...expected.distances])
    } finally {
      await pool.close()
    }
    const order = tileOrder(queries, d)
    const sorted = Float32Array.from({ length: queries.length }, (_, i) => {
      return queries[order[Math.floor(i / d)]! * d + (i % d)]!
    })
    const reordered = nearestNeighbors(rows, sorted, d, 10)
    order.forEach((q, i) => {
      expect([...reordered.indices.subarray(i * 10, i * 10 + 10)]).toEqual([
        ...expected.indices.subarray(q * 10, q * 10 + 10),
      ])
    })
  })

  it('where squares overflow float32', () => {
    const rows = Float32Array.of(0, 1e25, -1e25, 3e38, -3e38)
    const { indices, distances } = nearestNeighbors(rows, Float32Array.of(2e25), 1, 3)
    expect([...indices]).toEqual([1, 0, 2])
    expect(distances[0]! / 1e25).toBeCloseTo(1, 5)
    expect(distances[2]! / 3e25).toBeCloseTo(1, 5)
  })
})

describe('tileOrder', () => {
  it('is a permutation that brings equal rows together', () => {
    const d = 2
    const rows = draw(1000 * d, (r) => r.int(5))
    const order = tileOrder(rows, d)
    expect([...order].sort((a, b) => a - b)).toEqual([...Array(1000).keys()])
  })
})

describe('distinctRows', () => {
  it('numbers distinct rows by first occurrence and counts them', () => {
    const rows = Float32Array.of(1, 2, 3, 4, 1, 2, 0, 0, 3, 4, -0, 0, 1, 2)
    const { first, weights, groups } = distinctRows(rows, 2)
    expect([...first]).toEqual([0, 1, 3])
    expect([...weights]).toEqual([3, 2, 2])
    expect([...groups]).toEqual([0, 1, 0, 2, 1, 2, 0])
  })

  it('finds what sorting finds on many rows', () => {
    const rows = draw(20_000 * 3, (r) => r.int(20))
    const { first, weights, groups } = distinctRows(rows, 3)
    const keys = Array.from({ length: 20_000 }, (_, i) => rows.subarray(i * 3, i * 3 + 3).join())
    expect(first).toHaveLength(new Set(keys).size)
    expect(weights.reduce((s, w) => s + w, 0)).toBe(20_000)
    expect(keys.every((key, i) => keys[first[groups[i]!]!] === key)).toBe(true)
  })
})

describe('RowIndex', () => {
  it('finds each row by its contents and nothing else', () => {
    const rows = Float32Array.of(1, 2, 3, 4, 0, 5)
    const index = new RowIndex(rows, 2)
    const queries = Float32Array.of(3, 4, 1, 2, -0, 5, 4, 3, 1, 3)
    expect([0, 1, 2, 3, 4].map((i) => index.find(queries, i))).toEqual([1, 0, 2, -1, -1])
  })
})
