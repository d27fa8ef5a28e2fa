import { axesOf, type ByAxesKernel, packByAxes } from './neighbors-by-axes.ts'
import { type InFullKernel, packInFull } from './neighbors-in-full.ts'
import { tileRows } from './tile-order.ts'
import { KernelLoads, type WasmMemory } from './wasm.ts'
import { shared, type WorkerPool } from './worker-pool.ts'

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

/** A search; where threads share it every array lies on shared memory. */
interface Search {
  /** Rows in an order that `tileOrder` gave, row-major (n, d). */
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
 * `tileOrder` is quick, because tiles of nearby rows can be skipped as a whole.
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
  const search = prepare(rows, queries, d, k, leaveOut, ArrayBuffer)
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
  const search = prepare(shared(rows), shared(queries), d, k, leaveOut, SharedArrayBuffer)
  const nTiles = Math.ceil(queries.length / d / tileRows)
  // A tile against 20,000 rows takes about a millisecond.
  const grain = Math.max(1, Math.ceil(20_000 / (rows.length / d)))
  if (search.k > 0) await pool.run(import.meta.url, searchTiles, search, nTiles, grain)
  return finish(search)
}

/** Rows to search among, and for how many. */
export type Rows = Pick<Search, 'rows' | 'd' | 'k'>

/** Where a kernel has the rows it searches among, and where queries and their neighbours are put. */
export interface Places {
  /** Finds the neighbours of up to {@link tileRows} queries. */
  readonly nearest: InFullKernel['nearestInFull']
  /** Values of a query there, those beyond its own 0. */
  readonly width: number
  readonly queries: number
  readonly distances: number
  readonly indices: number
  readonly scratch: number
}

/** The rows that this thread searched among last: they are packed once for all searches. */
const loads = new KernelLoads<InFullKernel & ByAxesKernel, Rows, Places>(
  'neighbors',
  pack,
  (a, b) => a.rows === b.rows && a.d === b.d && a.k === b.k,
)

function pack(input: Rows, memory: WasmMemory, kernels: InFullKernel & ByAxesKernel): Places {
  const axes = axesOf(input.rows, input.d)
  return axes ? packByAxes(input, axes, memory, kernels) : packInFull(input, memory, kernels)
}

/** Searches the query tiles [from, to) of `search`. */
export function searchTiles(search: Search, from: number, to: number): void {
  const { rows, queries, d, k, leaveOut, indices, distances } = search
  const { memory, places } = loads.get({ rows, d, k })
  const { width } = places
  const input = memory.float32(places.queries, tileRows * width)
  const tileDistances = memory.float32(places.distances, tileRows * k)
  const tileIndices = memory.uint32(places.indices, tileRows * k)
  const nQueries = queries.length / d
  for (let tile = from; tile < to; tile++) {
    const first = tile * tileRows
    const count = Math.min(tileRows, nQueries - first)
    const self = leaveOut ? first : -1
    for (let i = 0; i < count; i++) {
      input.set(queries.subarray((first + i) * d, (first + i + 1) * d), i * width)
    }
    places.nearest(places.queries, count, self, k, places.distances, places.indices, places.scratch)
    distances.set(tileDistances.subarray(0, count * k), first * k)
    indices.set(tileIndices.subarray(0, count * k), first * k)
  }
}

function prepare(
  rows: Float32Array,
  queries: Float32Array,
  d: number,
  k: number,
  leaveOut: boolean,
  Memory: new (bytes: number) => ArrayBufferLike,
): Search {
  const n = rows.length / d
  const width = Math.max(0, Math.min(k, leaveOut ? n - 1 : n))
  const length = (queries.length / d) * width
  return {
    rows,
    queries,
    d,
    k: width,
    leaveOut,
    indices: new Uint32Array(new Memory(length * 4)),
    distances: new Float32Array(new Memory(length * 4)),
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
