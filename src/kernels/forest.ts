/**
 * Isolation trees as perfect binary heaps of `depth` levels: node k has the children 2k and 2k + 1, the
 * root is 1, the 2^depth bottom nodes start at 2^depth. A tree that ends early splits at +infinity from
 * there on, so that every sample walks `depth` steps, without a branch, and ends at the bottom.
 */
export interface Forest {
  readonly nTrees: number
  readonly depth: number
  readonly nFeatures: number
  /** Samples each tree was grown on. */
  readonly sampleSize: number
  /** (nTrees, 2^depth): a sample goes right when its feature is greater; +infinity below early leaves. */
  readonly thresholds: Float32Array
  /** (nTrees, 2^depth): which feature node k compares. */
  readonly features: Uint16Array
  /** (nTrees, 2^depth): h(x) of the samples that end at bottom node 2^depth + k. */
  readonly pathLengths: Float32Array
  /** (nTrees, 2^(depth + 1)): training samples that pass node k; 0 where none can. */
  readonly sizes: Uint16Array
}

/**
 * c(n), the average path length of an unsuccessful search in a binary search tree of n samples:
 * 2 H(n - 1) - 2 (n - 1) / n with H(i) = ln i + 0.5772… (Liu, Ting, Zhou 2008, equation 1).
 */
export function averagePathLength(n: number): number {
  if (n <= 1) return 0
  if (n === 2) return 1
  return 2 * (Math.log(n - 1) + 0.5772156649015329) - (2 * (n - 1)) / n
}

/** How deep a tree on `sampleSize` samples may grow: ceil(log2), where the average path would end. */
export function heightLimit(sampleSize: number): number {
  return Math.max(1, Math.ceil(Math.log2(sampleSize)))
}

/** Levels of the heaps; the kernel takes the first three in one step. */
export function heapDepth(sampleSize: number): number {
  return Math.max(3, heightLimit(sampleSize))
}

/** A forest of `nTrees` trees that are still to be grown. */
export function emptyForest(nTrees: number, sampleSize: number, nFeatures: number): Forest {
  const depth = heapDepth(sampleSize)
  const nodes = nTrees * 2 ** depth
  return {
    nTrees,
    depth,
    nFeatures,
    sampleSize,
    thresholds: new Float32Array(nodes).fill(Infinity),
    features: new Uint16Array(nodes),
    pathLengths: new Float32Array(nodes),
    sizes: new Uint16Array(2 * nodes),
  }
}
