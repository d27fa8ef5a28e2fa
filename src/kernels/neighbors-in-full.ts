import type { Places, Rows } from './neighbors.ts'
import { tileRows } from './tile-order.ts'
import type { WasmMemory } from './wasm.ts'

/** In bytes a row is at most so many steps long in one feature and in all, as in simd/assembly/neighbors/in-full.ts. */
const largest = 126
const longest = 254

export interface InFullKernel {
  blocksBytes(n: number, d: number): number
  boxesBytes(n: number, d: number): number
  bytesBytes(n: number, d: number): number
  scratchBytes(n: number, d: number): number
  packInFull(
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
  nearestInFull(
    queries: number,
    nQueries: number,
    self: number,
    k: number,
    distances: number,
    indices: number,
    scratch: number,
  ): void
}

/** Packs rows to be compared in all features. */
export function packInFull({ rows, d, k }: Rows, memory: WasmMemory, kernels: InFullKernel): Places {
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
  const places: Places = {
    nearest: kernels.nearestInFull,
    width: d,
    queries: memory.take(tileRows * d * 4),
    distances: memory.take(tileRows * k * 4),
    indices: memory.take(tileRows * k * 4),
    scratch: memory.take(kernels.scratchBytes(n, d)),
  }
  kernels.packInFull(input, n, d, blocks, boxes, halves, bytes, starts, centreAt, scale)
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
