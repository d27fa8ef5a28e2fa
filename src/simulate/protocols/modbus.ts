import { bytes, noise, u16 } from './bytes.ts'

/** Modbus/TCP read-holding-registers request (MBAP header + function 3). */
export function modbusRead(transaction: number, unit: number, address: number, count: number): Uint8Array {
  return bytes(u16(transaction), u16(0), u16(6), unit, 3, u16(address), u16(count))
}

/** Its answer with `count` registers. */
export function modbusValues(transaction: number, unit: number, count: number): Uint8Array {
  return bytes(
    u16(transaction),
    u16(0),
    u16(3 + 2 * count),
    unit,
    3,
    2 * count,
    noise(2 * count, transaction),
  )
}

/** Write of one register (function 6); the answer repeats the request. */
export function modbusWrite(transaction: number, unit: number, address: number, value: number): Uint8Array {
  return bytes(u16(transaction), u16(0), u16(6), unit, 6, u16(address), u16(value))
}
