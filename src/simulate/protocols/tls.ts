import { bytes, fillNoise, text, u16 } from './bytes.ts'

const record = (type: number, body: Uint8Array) => bytes(type, 3, 3, u16(body.length), body)
const handshake = (type: number, body: Uint8Array) => record(22, bytes(type, 0, u16(body.length), body))

/** Where the random bytes and the session id lie in either hello. */
const RANDOM = 11
const SESSION = 44

/** Hellos to one name differ in random bytes only. */
const clientHellos = new Map<string, Uint8Array>()

/** A TLS ClientHello with server name indication (RFC 8446, RFC 6066), about 190 bytes. */
export function clientHello(name: string, seed: number): Uint8Array {
  let template = clientHellos.get(name)
  if (!template) {
    template = clientHelloTo(name)
    clientHellos.set(name, template)
  }
  const hello = template.slice()
  fillNoise(hello, RANDOM, RANDOM + 32, seed)
  fillNoise(hello, SESSION, SESSION + 32, seed + 2)
  fillNoise(hello, hello.length - 32, hello.length, seed + 4)
  return hello
}

function clientHelloTo(name: string): Uint8Array {
  const host = text(name)
  const serverName = bytes(u16(0), u16(host.length + 5), u16(host.length + 3), 0, u16(host.length), host)
  const extensions = bytes(
    serverName,
    ...[u16(10), u16(6), u16(4), u16(29), u16(23)],
    ...[u16(13), u16(8), u16(6), u16(0x0403), u16(0x0804), u16(0x0401)],
    ...[u16(43), u16(5), 4, u16(0x0304), u16(0x0303)],
    ...[u16(51), u16(38), u16(36), u16(29), u16(32), new Uint8Array(32)],
  )
  const ciphers = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0x009c].flatMap(u16)
  const body = bytes(
    ...[3, 3, new Uint8Array(32), 32, new Uint8Array(32), u16(ciphers.length), ciphers, 1, 0],
    ...[u16(extensions.length), extensions],
  )
  return handshake(1, body)
}

const serverHelloTemplate = handshake(
  2,
  bytes(
    ...[3, 3, new Uint8Array(32), 32, new Uint8Array(32), u16(0xc02f), 0],
    ...[u16(5), u16(0xff01), u16(1), 0],
  ),
)

/** A TLS 1.2-style ServerHello; certificates and the rest of the flight are filler after it. */
export function serverHello(seed: number): Uint8Array {
  const hello = serverHelloTemplate.slice()
  fillNoise(hello, RANDOM, RANDOM + 32, seed + 1)
  fillNoise(hello, SESSION, SESSION + 32, seed + 2)
  return hello
}

/** The header of an application data record of `length` bytes (at most 2^14). */
export function applicationData(length: number): Uint8Array {
  const n = Math.min(length, 16384)
  return Uint8Array.of(23, 3, 3, n >>> 8, n)
}
