/** A 32-bit hash of a string: FNV-1a (Fowler, Noll, Vo) with the finaliser of MurmurHash3, the same on every machine. */
export function hashText(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return finalise(h)
}

/** Two hashes or numbers as one, order mattering. */
export function mix(a: number, b: number): number {
  return finalise(Math.imul(a, 0x9e3779b1) ^ (b + 0x7f4a7c15))
}

function finalise(h: number): number {
  let x = h
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35)
  return x ^ (x >>> 16)
}
