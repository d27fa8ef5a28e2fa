import { partition } from './partition.ts'
import { KernelLoads, type WasmMemory } from './wasm.ts'
import { shared, type WorkerPool } from './worker-pool.ts'

/** Rows of a tile, as in simd/assembly/neighbors.ts. */
const tileRows = 64
/** In bytes a row is at most so many steps long in one feature and in all, as there. */
const largest = 126
const longest = 254
/** Squares beyond this may have overflowed in float32. */
const overflow = 1e37

/** The k nearest rows of each query, nearest first; equal distances in the order of the row numbers. */
export interface Neighbors {
  /** How many neighbours each query has. */
  readonly k: number
  /** Row numbers, nQueries * k. */
  readonly indices: Uint32Array
  /** Euclidean distances, nQueries * k. */
  readonly distances: Float64Array
}

/** A search as threads share it: every array on shared memory. */
interface Search {
  /** Rows in an order that {@link tileOrder} gave, row-major (n, d). */
  readonly rows: Float32Array
  /** Likewise ordered, (nQueries, d). */
  readonly queries: Float32Array
  readonly d: number
  readonly k: number
  /** Query i is row i and not its own neighbour. */
  readonly leaveOut: boolean
  readonly indices: Uint32Array
  /** Squared distances. */
  readonly distances: Float32Array
}

/**
 * Exact Euclidean nearest neighbours. Any order of rows and queries gives the same neighbours; the one of
 * {@link tileOrder} is quick, because tiles of nearby rows can be skipped as a whole.
 *
 * @param rows row-major, n * d values
 * @param queries row-major, nQueries * d values
 * @param k neighbours wanted; fewer where there are not so many rows
 * @param leaveOut query i is row i and not its own neighbour
 */
export function nearestNeighbors(
  rows: Float32Array,
  queries: Float32Array,
  d: number,
  k: number,
  leaveOut = false,
): Neighbors {
  const search = prepare(rows, queries, d, k, leaveOut)
  if (search.k > 0) searchTiles(search, 0, Math.ceil(queries.length / d / tileRows))
  return finish(search)
}

/** As {@link nearestNeighbors}, by the threads of a pool; the same bytes. */
export async function nearestNeighborsAsync(
  rows: Float32Array,
  queries: Float32Array,
  d: number,
  k: number,
  leaveOut: boolean,
  pool: WorkerPool,
): Promise<Neighbors> {
  const search = prepare(shared(rows), shared(queries), d, k, leaveOut)
  const nTiles = Math.ceil(queries.length / d / tileRows)
  // A tile against 20,000 rows takes about a millisecond.
  const grain = Math.max(1, Math.ceil(20_000 / (rows.length / d)))
  if (search.k > 0) await pool.run(import.meta.url, searchTiles, search, nTiles, grain)
  return finish(search)
}

/**
 * An order of rows in which every 64 following each other lie close together: halves at the median of the
 * feature that spreads most, again and again.
 *
 * @param rows row-major, n * d values
 * @returns row numbers, a permutation of [0, n)
 */
export function tileOrder(rows: Float32Array, d: number): Uint32Array {
  const n = rows.length / d
  const order = new Uint32Array(n)
  for (let i = 0; i < n; i++) order[i] = i
  const keys = new Float32Array(n)
  const split = (from: number, to: number) => {
    if (to - from <= tileRows) return
    const feature = widestFeature(rows, d, order, from, to)
    if (feature === undefined) return
    for (let i = from; i < to; i++) keys[i] = rows[order[i]! * d + feature]!
    const middle = from + tileRows * Math.ceil((to - from) / tileRows / 2)
    partition(keys, order, from, to, middle)
    split(from, middle)
    split(middle, to)
  }
  split(0, n)
  return order
}

/** The feature with the largest variance among up to 64 of the rows, or undefined where they are equal. */
function widestFeature(
  rows: Float32Array,
  d: number,
  order: Uint32Array,
  from: number,
  to: number,
): number | undefined {
  const step = Math.max(1, Math.floor((to - from) / 64))
  let best: number | undefined
  let most = 0
  for (let j = 0; j < d; j++) {
    let count = 0
    let sum = 0
    let squares = 0
    const origin = rows[order[from]! * d + j]!
    for (let i = from; i < to; i += step) {
      const value = rows[order[i]! * d + j]! - origin
      count++
      sum += value
      squares += value * value
    }
    const variance = squares - (sum * sum) / count
    if (variance > most) {
      most = variance
      best = j
    }
  }
  return best
}

interface NeighborKernels {
  blocksBytes(n: number, d: number): number
  boxesBytes(n: number, d: number): number
  bytesBytes(n: number, d: number): number
  scratchBytes(n: number, d: number): number
  pack(
    rows: number,
    n: number,
    d: number,
    blocks: number,
    boxes: number,
    halves: number,
    bytes: number,
    starts: number,
    centre: number,
    scale: number,
  ): void
  nearest(
    queries: number,
    nQueries: number,
    self: number,
    k: number,
    distances: number,
    indices: number,
    scratch: number,
  ): number
}

type Rows = Pick<Search, 'rows' | 'd' | 'k'>

/** The rows that this thread searched among last: they are packed once for all searches. */
const loads = new KernelLoads<NeighborKernels, Rows, Places>(
  'neighbors',
  pack,
  (a, b) => a.rows === b.rows && a.d === b.d && a.k === b.k,
)

interface Places {
  readonly queries: number
  readonly distances: number
  readonly indices: number
  readonly scratch: number
}

/** Searches the query tiles [from, to) of `search`. */
export function searchTiles(search: Search, from: number, to: number): void {
  const { rows, queries, d, k, leaveOut, indices, distances } = search
  const { kernels, memory, places } = loads.get({ rows, d, k })
  const input = memory.float32(places.queries, tileRows * d)
  const tileDistances = memory.float32(places.distances, tileRows * k)
  const tileIndices = memory.uint32(places.indices, tileRows * k)
  const nQueries = queries.length / d
  for (let tile = from; tile < to; tile++) {
    const first = tile * tileRows
    const count = Math.min(tileRows, nQueries - first)
    const self = leaveOut ? first : -1
    input.set(queries.subarray(first * d, (first + count) * d))
    kernels.nearest(places.queries, count, self, k, places.distances, places.indices, places.scratch)
    distances.set(tileDistances.subarray(0, count * k), first * k)
    indices.set(tileIndices.subarray(0, count * k), first * k)
  }
}

function pack({ rows, d, k }: Rows, memory: WasmMemory, kernels: NeighborKernels): Places {
  const n = rows.length / d
  const padded = Math.ceil(n / tileRows) * tileRows
  const input = memory.take(rows.length * 4)
  memory.float32(input, rows.length).set(rows)
  const { centre, scale } = steps(rows, d)
  const centreAt = memory.take(d * 4)
  memory.float32(centreAt, d).set(centre)
  const blocks = memory.take(kernels.blocksBytes(n, d))
  const boxes = memory.take(kernels.boxesBytes(n, d))
  const halves = memory.take(padded * 4)
  const bytes = memory.take(kernels.bytesBytes(n, d))
  const starts = memory.take(padded * 2)
  const places = {
    queries: memory.take(tileRows * d * 4),
    distances: memory.take(tileRows * k * 4),
    indices: memory.take(tileRows * k * 4),
    scratch: memory.take(kernels.scratchBytes(n, d)),
  }
  kernels.pack(input, n, d, blocks, boxes, halves, bytes, starts, centreAt, scale)
  return places
}

/**
 * The steps that the kernel counts in when it rules rows out by bytes: the finest that leave all but one
 * row in 2,000 within the bytes' range. A choice of speed, no result depends on it.
 *
 * @returns steps a unit, 0 where values are too large, too small or too equal to be counted
 */
function steps(rows: Float32Array, d: number): { centre: Float32Array; scale: number } {
  const n = rows.length / d
  const step = Math.ceil(n / 16_384)
  const centre = new Float32Array(d)
  for (let i = 0; i < n; i += step) {
    for (let j = 0; j < d; j++) centre[j]! += (rows[i * d + j]! * step) / n
  }
  const scales = Float64Array.from({ length: Math.ceil(n / step) }, (_, i) => {
    let most = 0
    let square = 0
    for (let j = 0; j < d; j++) {
      const value = Math.abs(rows[i * step * d + j]! - centre[j]!)
      most = Math.max(most, value)
      square += value * value
    }
    return Math.min(longest / Math.sqrt(square), largest / most)
  }).sort()
  const scale = scales[Math.floor(scales.length / 2000)]!
  return { centre, scale: scale > 1e-15 && scale < 1e15 ? scale : 0 }
}

function prepare(rows: Float32Array, queries: Float32Array, d: number, k: number, leaveOut: boolean): Search {
  const n = rows.length / d
  const width = Math.max(0, Math.min(k, leaveOut ? n - 1 : n))
  const length = (queries.length / d) * width
  return {
    rows,
    queries,
    d,
    k: width,
    leaveOut,
    indices: new Uint32Array(new SharedArrayBuffer(length * 4)),
    distances: new Float32Array(new SharedArrayBuffer(length * 4)),
  }
}

/** Squared distances become distances; queries whose squares overflow float32 are searched again. */
function finish({ rows, queries, d, k, leaveOut, indices, distances: squares }: Search): Neighbors {
  const distances = new Float64Array(squares.length)
  for (let i = 0; i < squares.length; i++) distances[i] = Math.sqrt(squares[i]!)
  for (let q = 0; q * k < squares.length; q++) {
    const from = q * k
    if (squares[from + k - 1]! <= overflow) continue
    const found = nearestOfOne(rows, queries.subarray(q * d, (q + 1) * d), k, leaveOut ? q : -1)
    indices.set(found.indices, from)
    distances.set(found.distances, from)
  }
  return { k, indices, distances }
}

/** The k nearest rows of one query in float64, by comparing all and sorting. */
function nearestOfOne(
  rows: Float32Array,
  query: Float32Array,
  k: number,
  self: number,
): { indices: Uint32Array; distances: Float64Array } {
  const d = query.length
  const all = Float64Array.from({ length: rows.length / d }, (_, r) => {
    let sum = 0
    for (let j = 0; j < d; j++) sum += (query[j]! - rows[r * d + j]!) ** 2
    return Math.sqrt(sum)
  })
  const indices = Uint32Array.from(all.keys())
    .filter((r) => r !== self)
    .sort((a, b) => all[a]! - all[b]! || a - b)
    .slice(0, k)
  return { indices, distances: Float64Array.from(indices, (r) => all[r]!) }
}
