import type { Places, Rows } from './neighbors.ts'
import { along, type PrincipalAxes, principalAxes } from './principal-axes.ts'
import { tileOrder, tileRows } from './tile-order.ts'
import type { WasmMemory } from './wasm.ts'

/** Axes that tiles have boxes along, as in simd/assembly/neighbors/by-axes.ts. */
const boxed = 8
/** Steps of most rows, half of what fits there. */
const longest = 16_384

/** Share of the variance that axes are to hold, and how many are looked for. */
const held = 0.92
const mostAxes = 64
/** Less rows than this are compared as soon as axes are found. */
const fewest = 512

/** The axes to compare rows along first, or undefined where it takes half as many as there are features. */
export function axesOf(rows: Float32Array, d: number): PrincipalAxes | undefined {
  const most = Math.min(mostAxes, Math.floor(d / 2))
  if (most < 2 || rows.length < fewest * d) return undefined
  const found = principalAxes(rows, d, most)
  const wanted = 1 + (found?.shares.findIndex((share) => share >= held) ?? -1)
  // The kernel takes four coordinates at a time: the two of its own and these.
  const filled = Math.ceil((wanted + 2) / 4) * 4 - 2
  return found && wanted > 0 && filled <= most ? { ...found, axes: found.axes.slice(0, filled) } : undefined
}

export interface ByAxesKernel {
  coordsBytes(n: number, coordinates: number): number
  axesBoxesBytes(n: number): number
  axesScratchBytes(n: number, d: number, coordinates: number, k: number): number
  columnsOf(coordinates: number): number
  packByAxes(
    rows: number,
    n: number,
    d: number,
    numbers: number,
    centre: number,
    axes: number,
    coordinates: number,
    scale: number,
    coords: number,
    halves: number,
    boxes: number,
    aside: number,
    rests: number,
    sums: number,
    scratch: number,
  ): void
  nearestByAxes(
    queries: number,
    nQueries: number,
    self: number,
    k: number,
    distances: number,
    indices: number,
    scratch: number,
  ): void
}

/** Packs rows to be compared along their principal axes first. */
export function packByAxes(
  { rows, d, k }: Rows,
  { centre, axes }: PrincipalAxes,
  memory: WasmMemory,
  kernels: ByAxesKernel,
): Places {
  const n = rows.length / d
  const width = Math.ceil(d / 8) * 8
  const order = tileOrder(along(rows, centre, axes.slice(0, boxed)), Math.min(boxed, axes.length))
  const rowsAt = memory.take(n * width * 4)
  const ordered = memory.float32(rowsAt, n * width).fill(0)
  order.forEach((r, i) => {
    ordered.set(rows.subarray(r * d, (r + 1) * d), i * width)
  })
  const numbers = memory.take(n * 4)
  memory.uint32(numbers, n).set(order)
  const centreAt = memory.take(d * 8)
  memory.float64(centreAt, d).set(centre)
  // Before the axes come one that is turned to where queries are and the distance from all.
  const coordinates = axes.length + 2
  const columns = kernels.columnsOf(coordinates)
  const axesAt = memory.take(d * columns * 8)
  const table = memory.float64(axesAt, d * columns).fill(0)
  axes.forEach((axis, c) => {
    for (let j = 0; j < d; j++) table[j * columns + c + 2] = axis[j]!
  })
  const coords = memory.take(kernels.coordsBytes(n, coordinates))
  const halves = memory.take(Math.ceil(n / tileRows) * tileRows * 4)
  const boxes = memory.take(kernels.axesBoxesBytes(n))
  const aside = memory.take(n * 4)
  // Nothing is written beyond a query's values.
  const queriesAt = memory.take(tileRows * width * 4)
  memory.float32(queriesAt, tileRows * width).fill(0)
  const places: Places = {
    nearest: kernels.nearestByAxes,
    width,
    queries: queriesAt,
    distances: memory.take(tileRows * k * 4),
    indices: memory.take(tileRows * k * 4),
    scratch: memory.take(kernels.axesScratchBytes(n, d, coordinates, k)),
  }
  kernels.packByAxes(
    rowsAt,
    n,
    d,
    numbers,
    centreAt,
    axesAt,
    coordinates,
    steps(rows, centre),
    coords,
    halves,
    boxes,
    aside,
    memory.take(n * 8),
    memory.take(d * 8),
    places.scratch,
  )
  return places
}

/**
 * Whole steps a unit, with which all but one row in 2,000 are half as long as the kernel can tell. A choice of
 * speed, no result depends on it.
 */
function steps(rows: Float32Array, centre: Float64Array): number {
  const d = centre.length
  const n = rows.length / d
  const every = Math.ceil(n / 16_384)
  const lengths = Float64Array.from({ length: Math.ceil(n / every) }, (_, i) => {
    let square = 0
    for (let j = 0; j < d; j++) square += (rows[i * every * d + j]! - centre[j]!) ** 2
    return Math.sqrt(square)
  }).sort()
  const scale = longest / lengths[lengths.length - 1 - Math.floor(lengths.length / 2000)]!
  return scale > 1e-60 && scale < 1e60 ? scale : 1
}
