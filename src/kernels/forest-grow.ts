import { averagePathLength, type Forest, heightLimit } from './forest.ts'
import type { Matrix } from './matrix.ts'
import { Random } from './random.ts'
import { sortedValues } from './rarity.ts'

/**
 * Grows the trees [from, to) of `forest` on X (iTree of Liu, Ting, Zhou 2008, algorithm 2, choosing among
 * the features that vary in the node as scikit-learn does). Tree t depends on X, `seed` and t alone.
 */
export function growTrees(forest: Forest, X: Matrix, seed: number, from: number, to: number): void {
  const { depth, sampleSize, nFeatures: d } = forest
  const half = 2 ** depth
  const limit = heightLimit(sampleSize)
  const mixed = new Random(seed).uint32()
  const sample = new Float32Array(sampleSize * d)
  const order = new Uint32Array(sampleSize)
  const varying = new Uint32Array(d)
  for (let j = 0; j < d; j++) varying[j] = j

  for (let tree = from; tree < to; tree++) {
    const random = new Random(mixed + Math.imul(tree, 0x9e3779b1))
    const rows = distinct(random, X.nSamples, sampleSize)
    for (let r = 0; r < sampleSize; r++) {
      const at = rows[r]! * d
      for (let j = 0; j < d; j++) sample[r * d + j] = X.data[at + j]!
      order[r] = r
    }
    const thresholds = forest.thresholds.subarray(tree * half, (tree + 1) * half)
    const features = forest.features.subarray(tree * half, (tree + 1) * half)
    const pathLengths = forest.pathLengths.subarray(tree * half, (tree + 1) * half)
    const sizes = forest.sizes.subarray(tree * 2 * half, (tree + 1) * 2 * half)

    /** Grows node k over the samples order[start, end). */
    const grow = (k: number, level: number, start: number, end: number): void => {
      sizes[k] = end - start
      let middle = end
      if (level < limit && end - start > 1) middle = split(k, start, end)
      if (middle < end) {
        grow(2 * k, level + 1, start, middle)
        grow(2 * k + 1, level + 1, middle, end)
        return
      }
      // A leaf: everything walks left from here to the bottom.
      let bottom = k
      while (bottom < half) bottom *= 2
      pathLengths[bottom - half] = level + averagePathLength(end - start)
    }

    /** Chooses feature and threshold of node k and parts its samples; returns where the right ones start. */
    const split = (k: number, start: number, end: number): number => {
      for (let left = d; left > 0; left--) {
        const pick = random.int(left)
        const j = varying[pick]!
        let low = Infinity
        let high = -Infinity
        for (let r = start; r < end; r++) {
          const x = sample[order[r]! * d + j]!
          if (x < low) low = x
          if (x > high) high = x
        }
        if (low === high) {
          // Constant here: set it aside and draw among the others.
          varying[pick] = varying[left - 1]!
          varying[left - 1] = j
          continue
        }
        let threshold = Math.fround(low + random.float() * (high - low))
        if (threshold >= high) threshold = low
        thresholds[k] = threshold
        features[k] = j
        let middle = start
        for (let r = start; r < end; r++) {
          const s = order[r]!
          if (sample[s * d + j]! > threshold) continue
          order[r] = order[middle]!
          order[middle++] = s
        }
        return middle
      }
      return end
    }

    grow(1, 0, 0, sampleSize)
  }
}

/**
 * Ordered values of each feature in at most `most` random samples of X: (nFeatures, min(most, nSamples)).
 */
export function sortedSample(X: Matrix, most: number, seed: number): Float32Array {
  return sortedValues(X, distinct(new Random(seed), X.nSamples, Math.min(most, X.nSamples)))
}

/** `k` distinct integers of [0, n) in random order. */
function distinct(random: Random, n: number, k: number): Uint32Array {
  if (n < 4 * k) return random.sample(n, k)
  // Draw again what was drawn before; a hash table with linear probing remembers.
  const slots = 2 ** Math.ceil(Math.log2(4 * k))
  const table = new Int32Array(slots).fill(-1)
  const chosen = new Uint32Array(k)
  for (let count = 0; count < k; ) {
    const x = random.int(n)
    let at = Math.imul(x, 0x9e3779b1) & (slots - 1)
    while (table[at] !== -1 && table[at] !== x) at = (at + 1) & (slots - 1)
    if (table[at] === x) continue
    table[at] = x
    chosen[count++] = x
  }
  return chosen
}
