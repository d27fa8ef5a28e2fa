import { bytes, noise, text, u16 } from './bytes.ts'

const record = (type: number, body: Uint8Array) => bytes(type, 3, 3, u16(body.length), body)
const handshake = (type: number, body: Uint8Array) => record(22, bytes(type, 0, u16(body.length), body))

/** A TLS ClientHello with server name indication (RFC 8446, RFC 6066), about 190 bytes. */
export function clientHello(name: string, seed: number): Uint8Array {
  const host = text(name)
  const serverName = bytes(u16(0), u16(host.length + 5), u16(host.length + 3), 0, u16(host.length), host)
  const extensions = bytes(
    serverName,
    ...[u16(10), u16(6), u16(4), u16(29), u16(23)],
    ...[u16(13), u16(8), u16(6), u16(0x0403), u16(0x0804), u16(0x0401)],
    ...[u16(43), u16(5), 4, u16(0x0304), u16(0x0303)],
    ...[u16(51), u16(38), u16(36), u16(29), u16(32), noise(32, seed + 1)],
  )
  const ciphers = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0x009c].flatMap(u16)
  const body = bytes(
    ...[3, 3, noise(32, seed), 32, noise(32, seed + 2), u16(ciphers.length), ciphers, 1, 0],
    ...[u16(extensions.length), extensions],
  )
  return handshake(1, body)
}

/** A TLS 1.2-style ServerHello; certificates and the rest of the flight are filler after it. */
export function serverHello(seed: number): Uint8Array {
  return handshake(
    2,
    bytes(3, 3, noise(32, seed), 32, noise(32, seed + 1), u16(0xc02f), 0, u16(5), u16(0xff01), u16(1), 0),
  )
}

/** The header of an application data record of `length` bytes (at most 2^14). */
export function applicationData(length: number): Uint8Array {
  return bytes(23, 3, 3, u16(Math.min(length, 16384)))
}
