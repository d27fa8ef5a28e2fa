/** Sequence numbers of one side of a TCP connection (RFC 9293, section 3.4) in the flow's record. */
import * as R from './flow-record.ts'

export const TWO32 = 4294967296
/** Sequence jumps a SYN or RST is not believed. */
export const TOO_LARGE_JUMP = 1048576

/** The side's numbers begin at `start`, of a SYN seen or inferred, and reach `last`. */
export function begin(u: Uint32Array, e: number, start: number, last: number): void {
  u[e + R.SIDE_START] = start
  u[e + R.SIDE_ACK] = start
  u[e + R.SIDE_LAST] = last
}

/** The side has sent up to `last`; counts the wraps. */
export function setLast(u: Uint32Array, e: number, last: number): void {
  if (last < u[e + R.SIDE_LAST]!) u[e + R.SIDE_WRAPS] = u[e + R.SIDE_WRAPS]! + 0x10000
  u[e + R.SIDE_LAST] = last
}

/** What the side sent is acknowledged up to `ack`; counts the wraps. */
export function updateAck(u: Uint32Array, p: number, ack: number): void {
  const ahead = (ack - u[p + R.SIDE_ACK]!) | 0
  if (ahead <= 0 || (ack === 0 && ahead > TOO_LARGE_JUMP)) return
  if (ack < u[p + R.SIDE_ACK]!) u[p + R.SIDE_WRAPS] = u[p + R.SIDE_WRAPS]! + 1
  u[p + R.SIDE_ACK] = ack
}

/** Relative numbers start at 1 behind the SYN; 0 in a fresh record means that nothing was delivered. */
export function deliveredTo(f: Float64Array, e: number): number {
  return f[(e + R.SIDE_NEXT) >> 1]! || 1
}

/** Where `seq` lies from the side's start; negative when before it. */
export function relativeSeq(u: Uint32Array, e: number, seq: number, last: number, wraps: number): number {
  const ahead = (seq - last) | 0
  if (ahead < 0) {
    if (wraps > 0 && seq > last) wraps--
  } else if (ahead > 0 && seq < last) wraps++
  const start = u[e + R.SIDE_START]!
  return wraps === 0 ? (seq - start) | 0 : wraps * TWO32 + seq - start
}
