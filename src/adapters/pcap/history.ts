import * as R from './flow-record.ts'

/** Whether the n-th repetition gets a history letter: the 1st, 10th, 100th, … */
export function isPowerOfTen(n: number): boolean {
  while (n >= 10 && n % 10 === 0) n /= 10
  return n === 1
}

/** Appends a history letter; what exceeds the record is left out. */
export function addHistory(u: Uint32Array, b: number, code: number): void {
  const length = u[b + R.FLAGS]! & R.HISTORY_LENGTH
  if (length >= R.HISTORY_LIMIT) return
  const word = b + R.HISTORY + (length >> 2)
  const shift = (length & 3) * 8
  u[word] = (u[word]! & ~(0xff << shift)) | (code << shift)
  u[b + R.FLAGS] = u[b + R.FLAGS]! + 1
}

/** Exchanges originator and responder in a record. */
export function flipRecord(u: Uint32Array, b: number): void {
  for (let i = 0; i < 4; i++) {
    const address = u[b + R.ORIG_ADDR + i]!
    u[b + R.ORIG_ADDR + i] = u[b + R.RESP_ADDR + i]!
    u[b + R.RESP_ADDR + i] = address
  }
  u[b + R.PORTS] = (u[b + R.PORTS]! << 16) | (u[b + R.PORTS]! >>> 16)
  const [first, middle, last] = [u[b + R.MACS]!, u[b + R.MACS + 1]!, u[b + R.MACS + 2]!]
  // Little endian words: bytes 0–3, 4–7, 8–11; the addresses are bytes 0–5 and 6–11.
  u[b + R.MACS] = (middle >>> 16) | (last << 16)
  u[b + R.MACS + 1] = (last >>> 16) | (first << 16)
  u[b + R.MACS + 2] = (first >>> 16) | (middle << 16)
  for (let i = 0; i < R.SIDE_WORDS; i++) {
    const word = u[b + R.ORIG + i]!
    u[b + R.ORIG + i] = u[b + R.RESP + i]!
    u[b + R.RESP + i] = word
  }
  const flags = u[b + R.FLAGS]!
  // Whether the flow is partial is decided anew.
  u[b + R.FLAGS] =
    (flags & ~(R.ORIG_SEEN | R.RESP_SEEN | R.PARTIAL | R.ORIG_VERIFIED | R.RESP_VERIFIED)) |
    ((flags & (R.ORIG_SEEN | R.ORIG_VERIFIED)) << 1) |
    ((flags & (R.RESP_SEEN | R.RESP_VERIFIED)) >>> 1)
}
