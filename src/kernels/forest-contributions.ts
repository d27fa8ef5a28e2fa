import { averagePathLength, type Forest } from './forest.ts'
import { rarity } from './rarity.ts'

/** Weight of a perfectly ordinary value beside a rarity of 1 (one value in ten is as far out). */
const ordinary = 0.01
/** Gain a tree that counts as none: so much a feature gains or loses by the chance of a hundred trees. */
const noise = 0.01

/** What is the same for all samples of a forest; a lone sample is not to pay for it. */
interface About {
  /** (sampleSize + 1) average path length by number of samples. */
  readonly expected: Float64Array
  /** (nFeatures) 1 where any tree compares the feature; 1 throughout where none does. */
  readonly compared: Uint8Array
}
const known = new WeakMap<Forest, About>()

function aboutForest(forest: Forest): About {
  let about = known.get(forest)
  if (about) return about
  const { depth, nFeatures, thresholds, features, sampleSize } = forest
  const compared = new Uint8Array(nFeatures)
  for (let node = 0; node < features.length; node++) {
    if (node % 2 ** depth > 0 && thresholds[node] !== Infinity) compared[features[node]!] = 1
  }
  if (!compared.includes(1)) compared.fill(1)
  about = {
    expected: Float64Array.from({ length: sampleSize + 1 }, (_, n) => averagePathLength(n)),
    compared,
  }
  known.set(forest, about)
  return about
}

/**
 * Divides each sample's score among the features.
 *
 * The step from node v to its child w gains g = c(n_v) - 1 - c(n_w): by how much it shortened the path
 * beyond what a search among n_v samples expects of one step. Gains telescope, so that over all trees
 *
 *     Σ_steps g = nTrees (c(n) - E[h(x)]),   that is   log2(2 s(x)) = Σ_j G_j / (nTrees c(n))
 *
 * with G_j the gains of the steps that compare feature j. Features and thresholds are random, so a walk
 * also gains by cuts that happen to pass close to an ordinary value, and gains little on a feature that
 * few trees compare. A gain is therefore damped and credited by how rare the value is by itself, r_j (see
 * {@link rarity}):
 *
 *     a_j = √(max(0, G_j) / nTrees + 0.01) (r_j² + 0.01),   contribution_j = s(x) a_j / Σ a
 *
 * The 0.01 beside the gain is what chance makes of it: without, the one value that lies far out gets nothing where
 * the few walks that met it happened to come out even. A feature that no tree compares gets nothing, unless there
 * is no other. Contributions are 0 or more and add up to the score.
 *
 * @param sorted (nFeatures, nSorted): training values of each feature, ascending
 * @param data (nSamples, nFeatures)
 * @param scores (nSamples): s(x)
 * @param out (nSamples, nFeatures), filled
 */
export function forestContributions(
  forest: Forest,
  sorted: Float32Array,
  data: Float32Array,
  scores: Float64Array,
  out: Float32Array,
): void {
  const { nTrees, depth, nFeatures: d, thresholds, features, sizes } = forest
  const half = 2 ** depth
  const nSorted = sorted.length / d
  const { expected, compared } = aboutForest(forest)
  const gains = new Float64Array(d)
  for (let i = 0; i < scores.length; i++) {
    const row = i * d
    gains.fill(0)
    for (let tree = 0; tree < nTrees; tree++) {
      const nodes = tree * half
      let k = 1
      let remaining = expected[sizes[2 * nodes + 1]!]!
      while (k < half && thresholds[nodes + k] !== Infinity) {
        const j = features[nodes + k]!
        k = 2 * k + Number(data[row + j]! > thresholds[nodes + k]!)
        const after = expected[sizes[2 * nodes + k]!]!
        gains[j]! += remaining - 1 - after
        remaining = after
      }
    }
    let total = 0
    for (let j = 0; j < d; j++) {
      const rare = rarity(sorted, j * nSorted, (j + 1) * nSorted, data[row + j]!)
      gains[j] = compared[j]! * Math.sqrt(Math.max(0, gains[j]!) / nTrees + noise) * (rare * rare + ordinary)
      total += gains[j]!
    }
    for (let j = 0; j < d; j++) out[row + j] = scores[i]! * (gains[j]! / total)
  }
}
