/** Bytes of an ASCII text. */
export function text(value: string): Uint8Array {
  const out = new Uint8Array(value.length)
  for (let i = 0; i < value.length; i++) out[i] = value.charCodeAt(i)
  return out
}

/** Joins parts: numbers are single bytes, strings ASCII. */
export function bytes(...parts: (number | string | Uint8Array | readonly number[])[]): Uint8Array {
  let length = 0
  for (const p of parts) length += typeof p === 'number' ? 1 : p.length
  const out = new Uint8Array(length)
  let at = 0
  for (const p of parts) {
    if (typeof p === 'number') out[at++] = p
    else if (typeof p === 'string') for (let i = 0; i < p.length; i++) out[at++] = p.charCodeAt(i)
    else {
      out.set(p, at)
      at += p.length
    }
  }
  return out
}

/** A 16-bit number, most significant byte first. */
export function u16(n: number): readonly number[] {
  return [(n >>> 8) & 0xff, n & 0xff]
}

/** A 32-bit number, most significant byte first. */
export function u32(n: number): readonly number[] {
  return [(n >>> 24) & 0xff, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff]
}

/** `n` bytes that look random, from a number. */
export function noise(n: number, seed: number): Uint8Array {
  const out = new Uint8Array(n)
  fillNoise(out, 0, n, seed)
  return out
}

/** Fills `out[from]` to `out[to - 1]` with bytes that look random (a linear congruential generator). */
export function fillNoise(out: Uint8Array, from: number, to: number, seed: number): void {
  let x = seed | 1
  for (let i = from; i < to; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) | 0
    out[i] = x >>> 24
  }
}

/** The four bytes of a dotted address, or the sixteen of an IPv6 one. */
export function addressBytes(ip: string): Uint8Array {
  if (!ip.includes(':')) return Uint8Array.from(ip.split('.'), Number)
  const [head, tail] = ip.split('::')
  const words = (part: string | undefined) => (part ? part.split(':') : [])
  const front = words(head)
  const back = words(tail)
  const middle = ip.includes('::') ? 8 - front.length - back.length : 0
  const all = [...front, ...new Array<string>(middle).fill('0'), ...back]
  return Uint8Array.from(all.flatMap((w) => u16(Number.parseInt(w, 16))))
}
