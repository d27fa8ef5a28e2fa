import { addressBytes, bytes, noise, text, u16, u32 } from './bytes.ts'

/**
 * DHCP request of a client that renews its address, or the server's acknowledgement (RFC 2131, 2132);
 * both carry the host name (option 12), from which devices get their names.
 */
export function dhcp(
  kind: 'request' | 'ack',
  transaction: number,
  mac: string,
  ip: string,
  hostName: string,
  gateway: string,
): Uint8Array {
  const reply = kind === 'ack'
  const name = text(hostName)
  const hardware = Uint8Array.from(mac.split(':'), (part) => Number.parseInt(part, 16))
  const leaseSeconds = 43200
  const options = bytes(
    ...[53, 1, reply ? 5 : 3],
    ...(reply ? [54, 4, addressBytes(gateway), 51, 4, u32(leaseSeconds), 1, 4, 255, 255, 255, 0] : []),
    ...(reply ? [3, 4, addressBytes(gateway), 6, 4, addressBytes(gateway)] : [61, 7, 1, hardware]),
    ...[12, name.length, name],
    ...(reply ? [] : [55, 4, 1, 3, 6, 15]),
    255,
  )
  const message = bytes(
    ...[reply ? 2 : 1, 1, 6, 0, u32(transaction), u16(0), u16(0)],
    ...[addressBytes(ip), reply ? addressBytes(ip) : u32(0), u32(0), u32(0)],
    ...[hardware, new Uint8Array(10 + 64 + 128), u32(0x63825363), options],
  )
  // BOOTP messages are at least 300 bytes long (RFC 951).
  return message.length >= 300 ? message : bytes(message, new Uint8Array(300 - message.length))
}

/** The 48 bytes of an NTP request (mode 3) or answer (mode 4), RFC 5905. */
export function ntp(mode: 3 | 4, time: number): Uint8Array {
  const seconds = u32((Math.floor(time) + 2208988800) >>> 0)
  const stamp = bytes(seconds, u32(Math.floor((time % 1) * 4294967296)))
  const head = mode === 4 ? bytes(0x24, 2, 6, 0xec) : bytes(0x23, 0, 6, 0xec)
  return bytes(head, u32(0x0150), u32(0x0420), noise(4, time), stamp, stamp, stamp, stamp)
}
