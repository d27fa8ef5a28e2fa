import { addressBytes, bytes, u16, u32 } from './bytes.ts'

/** A name as labels, each behind its length (RFC 1035, section 3.1). */
function label(name: string): Uint8Array {
  const out = new Uint8Array(name.length + 2)
  let lengthAt = 0
  for (let i = 0; i <= name.length; i++) {
    if (i < name.length && name[i] !== '.') out[i + 1] = name.charCodeAt(i)
    else {
      out[lengthAt] = i - lengthAt
      lengthAt = i + 1
    }
  }
  return out
}

/** A DNS question for A or AAAA (RFC 1035, section 4). */
export function dnsQuery(id: number, name: string, ipv6: boolean): Uint8Array {
  return bytes(u16(id), u16(0x0100), u16(1), u16(0), u16(0), u16(0), label(name), u16(ipv6 ? 28 : 1), u16(1))
}

/** Its answer with the given addresses; none and `rcode` 3 = no such name. */
export function dnsAnswer(
  id: number,
  name: string,
  ipv6: boolean,
  addresses: readonly string[],
  rcode = 0,
): Uint8Array {
  const type = u16(ipv6 ? 28 : 1)
  const records = addresses.flatMap((ip) => {
    const data = addressBytes(ip)
    return [u16(0xc00c), type, u16(1), u32(300), u16(data.length), data]
  })
  const head = bytes(u16(id), u16(0x8180 | rcode), u16(1), u16(addresses.length), u16(0), u16(0))
  return bytes(head, label(name), type, u16(1), ...records)
}

/** An mDNS announcement of `host`.local and one service it offers (RFC 6762, 6763). */
export function mdnsAnnouncement(host: string, service: string, ip: string): Uint8Array {
  const data = addressBytes(ip)
  const instance = label(`${host}.${service}.local`)
  return bytes(
    ...[u16(0), u16(0x8400), u16(0), u16(2), u16(0), u16(0)],
    ...[label(`${service}.local`), u16(12), u16(1), u32(4500), u16(instance.length), instance],
    ...[label(`${host}.local`), u16(data.length === 4 ? 1 : 28), u16(0x8001), u32(120)],
    ...[u16(data.length), data],
  )
}

/** An mDNS question for a kind of service. */
export function mdnsQuery(service: string): Uint8Array {
  return bytes(u16(0), u16(0), u16(1), u16(0), u16(0), u16(0), label(`${service}.local`), u16(12), u16(1))
}
