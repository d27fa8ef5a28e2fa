import { fillNoise } from './bytes.ts'

/** Modbus/TCP (MODBUS Messaging on TCP/IP Implementation Guide 1.0b): MBAP header and function. */

/** Request to read `count` holding registers (function 3). */
export function modbusRead(transaction: number, unit: number, address: number, count: number): Uint8Array {
  return request(transaction, unit, 3, address, count)
}

/** Its answer with `count` registers. */
export function modbusValues(transaction: number, unit: number, count: number): Uint8Array {
  const out = new Uint8Array(9 + 2 * count)
  out[0] = transaction >>> 8
  out[1] = transaction
  out[4] = (3 + 2 * count) >>> 8
  out[5] = 3 + 2 * count
  out[6] = unit
  out[7] = 3
  out[8] = 2 * count
  fillNoise(out, 9, out.length, transaction)
  return out
}

/** Write of one register (function 6); the answer repeats the request. */
export function modbusWrite(transaction: number, unit: number, address: number, value: number): Uint8Array {
  return request(transaction, unit, 6, address, value)
}

function request(
  transaction: number,
  unit: number,
  code: number,
  address: number,
  value: number,
): Uint8Array {
  const t = transaction
  return Uint8Array.of(t >>> 8, t, 0, 0, 0, 6, unit, code, address >>> 8, address, value >>> 8, value)
}
