/** Keeps at most `most` entries of a map: the one put there longest ago makes room. */
export function forgetOldest<K, V>(map: Map<K, V>, most: number, forget?: (value: V) => void): void {
  if (map.size <= most) return
  const [key, value] = map.entries().next().value!
  map.delete(key)
  forget?.(value)
}
