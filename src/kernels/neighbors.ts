import { partition } from './partition.ts'
import { instantiate, WasmMemory } from './wasm.ts'
import { shared, type WorkerPool } from './worker-pool.ts'

/** Rows of a tile, as in simd/assembly/neighbors.ts. */
const tileRows = 64
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
  boxBytes(d: number): number
  pack(rows: number, n: number, d: number, packed: number, boxes: number, halves: number): void
  nearest(
    queries: number,
    nQueries: number,
    self: number,
    packed: number,
    boxes: number,
    halves: number,
    n: number,
    d: number,
    k: number,
    distances: number,
    indices: number,
    scratch: number,
  ): number
}

/** This thread's kernel, its memory, and what it holds: rows are packed once for all searches among them. */
let thread: { memory: WasmMemory; kernels: NeighborKernels } | undefined
let loaded: { rows: Float32Array; d: number; k: number; places: Places } | undefined

interface Places {
  readonly packed: number
  readonly boxes: number
  readonly halves: number
  readonly queries: number
  readonly distances: number
  readonly indices: number
  readonly scratch: number
}

/** Searches the query tiles [from, to) of `search`. */
export function searchTiles(search: Search, from: number, to: number): void {
  const { rows, queries, d, k, leaveOut, indices, distances } = search
  const n = rows.length / d
  const { kernels, memory, places } = load(rows, d, k)
  const input = memory.float32(places.queries, tileRows * d)
  const tileDistances = memory.float32(places.distances, tileRows * k)
  const tileIndices = memory.uint32(places.indices, tileRows * k)
  const nQueries = queries.length / d
  for (let tile = from; tile < to; tile++) {
    const first = tile * tileRows
    const count = Math.min(tileRows, nQueries - first)
    input.set(queries.subarray(first * d, (first + count) * d))
    kernels.nearest(
      places.queries,
      count,
      leaveOut ? first : -1,
      places.packed,
      places.boxes,
      places.halves,
      n,
      d,
      k,
      places.distances,
      places.indices,
      places.scratch,
    )
    distances.set(tileDistances.subarray(0, count * k), first * k)
    indices.set(tileIndices.subarray(0, count * k), first * k)
  }
}

function load(rows: Float32Array, d: number, k: number) {
  if (!thread) {
    const memory = new WasmMemory()
    thread = { memory, kernels: instantiate<NeighborKernels>('neighbors', memory.memory) }
  }
  const { memory, kernels } = thread
  if (loaded?.rows !== rows || loaded.d !== d || loaded.k !== k) {
    loaded = undefined
    memory.reset()
    const n = rows.length / d
    const nTiles = Math.ceil(n / tileRows)
    const places = {
      packed: memory.take(nTiles * tileRows * d * 4),
      boxes: memory.take(nTiles * kernels.boxBytes(d)),
      halves: memory.take(nTiles * tileRows * 4),
      queries: memory.take(tileRows * d * 4),
      distances: memory.take(tileRows * k * 4),
      indices: memory.take(tileRows * k * 4),
      scratch: memory.take(nTiles * 8 + kernels.boxBytes(d) + tileRows * (d + 3) * 4),
    }
    const input = memory.take(rows.length * 4)
    memory.float32(input, rows.length).set(rows)
    kernels.pack(input, n, d, places.packed, places.boxes, places.halves)
    loaded = { rows, d, k, places }
  }
  return { memory, kernels, places: loaded.places }
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
