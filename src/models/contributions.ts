/** The largest float32, a little less so that the sum of rounded parts stays below it too. */
const most = 3.4e38

/**
 * Writes one sample's contributions, none of them negative, to `out` from `at` on. A score beyond float32 has
 * its contributions shrunk as one: what they add up to is cut, each keeps its share.
 *
 * @param parts (nFeatures)
 */
export function storeContributions(parts: Float64Array, out: Float32Array, at: number): void {
  let total = 0
  for (let j = 0; j < parts.length; j++) total += parts[j]!
  const scale = total > most ? most / total : 1
  for (let j = 0; j < parts.length; j++) out[at + j] = parts[j]! * scale
}
