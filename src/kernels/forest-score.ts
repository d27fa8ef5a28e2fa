import type { Forest } from './forest.ts'
import { KernelLoads, type WasmMemory } from './wasm.ts'

interface ForestKernel {
  addPathLengths(
    nodes: number,
    leaves: number,
    nTrees: number,
    depth: number,
    rows: number,
    nGroups: number,
    nFeatures: number,
    sums: number,
  ): void
}

/** Samples the kernel walks down side by side. */
const group = 16
/** What the samples of a block may take, so that they stay in the first level cache, bytes. */
const blockBytes = 24 * 1024

/** Where a forest lies in the kernel's memory. */
interface Places {
  readonly nodes: number
  readonly leaves: number
  /** (blockSamples / 16, nFeatures, 16) */
  readonly rows: Float32Array
  readonly sums: Float64Array
  readonly blockSamples: number
}
/** The forests that this thread scored with last. */
const loads = new KernelLoads<ForestKernel, Forest, Places>('forest', load, (a, b) => a === b)

/**
 * Adds up the path lengths of samples [from, to) over all trees, in the order of trees.
 *
 * @param data (nSamples, nFeatures), finite
 * @param out filled at [from, to)
 */
export function sumPathLengths(
  forest: Forest,
  data: Float32Array,
  from: number,
  to: number,
  out: Float64Array,
): void {
  const { kernels, places } = loads.get(forest)
  const { nodes, leaves, rows, sums, blockSamples } = places
  const d = forest.nFeatures
  for (let start = from; start < to; start += blockSamples) {
    const n = Math.min(blockSamples, to - start)
    for (let i = 0; i < n; i++) {
      const source = (start + i) * d
      const target = (i >> 4) * d * group + (i & 15)
      for (let j = 0; j < d; j++) rows[target + j * group] = data[source + j]!
    }
    sums.fill(0)
    // The last group may hold samples of an earlier block; their sums are not read.
    const nGroups = Math.ceil(n / group)
    kernels.addPathLengths(
      nodes,
      leaves,
      forest.nTrees,
      forest.depth,
      rows.byteOffset,
      nGroups,
      d,
      sums.byteOffset,
    )
    out.set(n === blockSamples ? sums : sums.subarray(0, n), start)
  }
}

/** Copies the forest into the kernel's memory, each node's threshold and feature side by side. */
function load(forest: Forest, memory: WasmMemory): Places {
  const { thresholds, features, pathLengths, nFeatures } = forest
  const blockSamples = group * Math.max(1, Math.min(16, Math.floor(blockBytes / (4 * group * nFeatures))))
  const nodes = memory.take(8 * thresholds.length)
  const leaves = memory.take(4 * pathLengths.length)
  const rows = memory.take(4 * blockSamples * nFeatures)
  const sums = memory.take(8 * blockSamples)
  const nodeThresholds = memory.float32(nodes, 2 * thresholds.length)
  const nodeLines = memory.uint32(nodes, 2 * thresholds.length)
  for (let k = 0; k < thresholds.length; k++) {
    nodeThresholds[2 * k] = thresholds[k]!
    nodeLines[2 * k + 1] = features[k]! * group * 4
  }
  memory.float32(leaves, pathLengths.length).set(pathLengths)
  return {
    nodes,
    leaves,
    rows: memory.float32(rows, blockSamples * nFeatures),
    sums: new Float64Array(memory.memory.buffer, sums, blockSamples),
    blockSamples,
  }
}
