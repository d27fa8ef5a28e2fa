/**
 * Reorders `keys` and `order` alike in [from, to) so that nothing left of `middle` exceeds anything from it
 * on, and what stands at `middle` is what sorting would put there (Hoare 1961).
 */
export function partition(
  keys: Float32Array,
  order: Uint32Array,
  from: number,
  to: number,
  middle: number,
): void {
  let low = from
  let high = to - 1
  while (low < high) {
    const a = keys[low]!
    const b = keys[(low + high) >> 1]!
    const c = keys[high]!
    const pivot = Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
    let i = low
    let j = high
    while (i <= j) {
      while (keys[i]! < pivot) i++
      while (keys[j]! > pivot) j--
      if (i <= j) {
        const key = keys[i]!
        keys[i] = keys[j]!
        keys[j] = key
        const row = order[i]!
        order[i++] = order[j]!
        order[j--] = row
      }
    }
    if (middle <= j) high = j
    else if (middle >= i) low = i
    else return
  }
}
