import { readFileSync } from 'node:fs'
import { inflateRawSync } from 'node:zlib'

/** An array of numpy as one column-major or row-major list. */
export interface NumpyArray {
  readonly shape: readonly number[]
  readonly fortran: boolean
  readonly values: Float64Array
}

const readers: Readonly<Record<string, { bytes: number; read(data: DataView, at: number): number }>> = {
  '<f8': { bytes: 8, read: (data, at) => data.getFloat64(at, true) },
  '<f4': { bytes: 4, read: (data, at) => data.getFloat32(at, true) },
  '<i8': { bytes: 8, read: (data, at) => Number(data.getBigInt64(at, true)) },
  '<u8': { bytes: 8, read: (data, at) => Number(data.getBigUint64(at, true)) },
  '<i4': { bytes: 4, read: (data, at) => data.getInt32(at, true) },
  '<u4': { bytes: 4, read: (data, at) => data.getUint32(at, true) },
  '<i2': { bytes: 2, read: (data, at) => data.getInt16(at, true) },
  '<u2': { bytes: 2, read: (data, at) => data.getUint16(at, true) },
  '|i1': { bytes: 1, read: (data, at) => data.getInt8(at) },
  '|u1': { bytes: 1, read: (data, at) => data.getUint8(at) },
  '|b1': { bytes: 1, read: (data, at) => data.getUint8(at) },
}

/**
 * The numeric arrays of an npz file (ZIP archive of npy files, stored or deflated) by name.
 *
 * @throws Error naming the file for anything else
 */
export function readNpz(path: string): Map<string, NumpyArray> {
  const file = readFileSync(path)
  const end = file.lastIndexOf('PK\x05\x06', undefined, 'latin1')
  if (end < 0) throw new Error(`${path} expects a ZIP archive, found no directory in it`)
  const arrays = new Map<string, NumpyArray>()
  const entries = file.readUInt16LE(end + 10)
  let at = file.readUInt32LE(end + 16)
  for (let entry = 0; entry < entries; entry++) {
    const method = file.readUInt16LE(at + 10)
    const size = file.readUInt32LE(at + 20)
    const nameLength = file.readUInt16LE(at + 28)
    const name = file.toString('utf8', at + 46, at + 46 + nameLength)
    const local = file.readUInt32LE(at + 42)
    const start = local + 30 + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28)
    const packed = file.subarray(start, start + size)
    const bytes = method === 0 ? packed : inflateRawSync(packed)
    arrays.set(name.replace(/\.npy$/, ''), parseNpy(bytes, `${path}:${name}`))
    at += 46 + nameLength + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32)
  }
  return arrays
}

/** One npy file: NEP 1, versions 1 and 2. */
function parseNpy(bytes: Uint8Array, place: string): NumpyArray {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const wide = bytes[6]! >= 2
  const headerLength = wide ? data.getUint32(8, true) : data.getUint16(8, true)
  const from = (wide ? 12 : 10) + headerLength
  const header = new TextDecoder('latin1').decode(bytes.subarray(wide ? 12 : 10, from))
  const type = /'descr': '([^']+)'/.exec(header)?.[1] ?? '?'
  const reader = readers[type]
  const shape = /'shape': \(([^)]*)\)/.exec(header)?.[1]?.match(/\d+/g)?.map(Number)
  if (!reader || !shape) throw new Error(`${place} expects numbers, got type ${type}`)
  const values = new Float64Array(shape.reduce((a, b) => a * b, 1))
  for (let i = 0; i < values.length; i++) values[i] = reader.read(data, from + i * reader.bytes)
  return { shape, fortran: header.includes("'fortran_order': True"), values }
}

/** A labelled table: `columns[j][i]` is feature j of row i. */
export interface LabelledTable {
  readonly columns: readonly Float64Array[]
  /** 1 = anomaly. */
  readonly y: Uint8Array
}

/** X and y of an ADBench set. */
export function readAdbench(path: string): LabelledTable {
  const arrays = readNpz(path)
  const X = arrays.get('X')
  const y = arrays.get('y')
  if (!X || !y || X.shape.length !== 2) throw new Error(`${path} expects X (rows, features) and y (rows)`)
  const [n, d] = X.shape as [number, number]
  const columns = Array.from({ length: d }, (_, j) =>
    Float64Array.from({ length: n }, (_, i) => X.values[X.fortran ? j * n + i : i * d + j]!),
  )
  return { columns, y: Uint8Array.from(y.values) }
}
