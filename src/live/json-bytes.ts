const QUOTE = 34
const BACKSLASH = 92

/** Where what is no blank begins, from `at` on. */
export function pastBlanks(bytes: Uint8Array, at: number): number {
  let i = at
  for (let c = bytes[i]!; c === 32 || c === 10 || c === 13 || c === 9; ) c = bytes[++i]!
  return i
}

/**
 * Where the value that begins at `at` ends, as far as quotes and brackets tell: whether it is JSON is for JSON.parse to
 * say. -1 for one that is cut off, or none.
 */
export function endOfValue(bytes: Uint8Array, at: number): number {
  let depth = 0
  for (let i = at; i < bytes.length; i++) {
    const c = bytes[i]!
    if (c === QUOTE) {
      while (bytes[++i] !== QUOTE) {
        if (bytes[i] === BACKSLASH) i++
        if (i >= bytes.length) return -1
      }
      if (depth === 0) return i + 1
    } else if (c === 123 || c === 91) depth++
    else if (c === 125 || c === 93) {
      if (depth <= 1) return depth === 0 ? (i > at ? i : -1) : i + 1
      depth--
    } else if (depth === 0 && (c === 44 || c <= 32)) return i > at ? i : -1
  }
  return -1
}

/** The value of the bytes `[start, end)`; undefined for what is not JSON. */
export function valueAt(bytes: Uint8Array, start: number, end: number): unknown {
  try {
    return JSON.parse(decoder.decode(bytes.subarray(start, end)))
  } catch {
    return undefined
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
