import { formatIPv4, formatIPv6, formatMac } from './format.ts'
import { DHCP } from './service.ts'

/** Names kept at most. */
const MAX_NAMES = 65536
const A = 1
const AAAA = 28

/** Host names that devices tell themselves: DHCP requests (option 12) and multicast DNS answers. */
export class HostNames {
  /** MAC or IP address -> name; what was told last. */
  readonly names = new Map<string, string>()

  /** Looks into the payload `b[at .. at + n)` of a DHCP or multicast DNS message. */
  learn(service: number, b: Uint8Array, at: number, n: number): void {
    if (service === DHCP) this.#dhcp(b, at, n)
    else this.#mdns(b, at, n)
  }

  #set(address: string, name: string): void {
    if (name !== '' && (this.names.has(address) || this.names.size < MAX_NAMES)) this.names.set(address, name)
  }

  /** RFC 2131, RFC 2132 section 3.14. */
  #dhcp(b: Uint8Array, at: number, n: number): void {
    if (n < 244 || b[at] !== 1 || b[at + 1] !== 1 || b[at + 2] !== 6) return
    const end = at + n
    for (let p = at + 240; p + 1 < end && b[p] !== 255; ) {
      if (b[p] === 0) {
        p++
        continue
      }
      const size = b[p + 1]!
      if (p + 2 + size > end) return
      if (b[p] === 12) {
        const name = printable(b, p + 2, size)
        this.#set(formatMac(b, at + 28), name)
        const own = word(b, at + 12)
        if (own !== 0) this.#set(formatIPv4(own), name)
        return
      }
      p += 2 + size
    }
  }

  /** RFC 6762: the address records of an answer name their sender. */
  #mdns(b: Uint8Array, at: number, n: number): void {
    if (n < 12 || (b[at + 2]! & 0x80) === 0) return
    const end = at + n
    const questions = (b[at + 4]! << 8) | b[at + 5]!
    const records =
      ((b[at + 6]! << 8) | b[at + 7]!) + ((b[at + 8]! << 8) | b[at + 9]!) + ((b[at + 10]! << 8) | b[at + 11]!)
    let p = at + 12
    for (let i = 0; i < questions && p < end; i++) p = skipName(b, p, end) + 4
    for (let i = 0; i < Math.min(records, 64) && p < end; i++) {
      const owner = p
      p = skipName(b, p, end)
      if (p + 10 > end) return
      const type = (b[p]! << 8) | b[p + 1]!
      const size = (b[p + 8]! << 8) | b[p + 9]!
      const data = p + 10
      p = data + size
      if (p > end) return
      if (type === A && size === 4) this.#set(formatIPv4(word(b, data)), readName(b, owner, at, end))
      else if (type === AAAA && size === 16) {
        this.#set(
          formatIPv6(word(b, data), word(b, data + 4), word(b, data + 8), word(b, data + 12)),
          readName(b, owner, at, end),
        )
      }
    }
  }
}

function word(b: Uint8Array, p: number): number {
  return ((b[p]! << 24) | (b[p + 1]! << 16) | (b[p + 2]! << 8) | b[p + 3]!) >>> 0
}

/** Only what may stand in a log line. */
function printable(b: Uint8Array, at: number, n: number): string {
  let text = ''
  for (let i = 0; i < Math.min(n, 255); i++) {
    const c = b[at + i]!
    if (c === 0) break
    text += c > 32 && c < 127 ? String.fromCharCode(c) : '?'
  }
  return text
}

function skipName(b: Uint8Array, start: number, end: number): number {
  let p = start
  while (p < end) {
    const size = b[p]!
    if (size === 0) return p + 1
    if (size >= 0xc0) return p + 2
    p += size + 1
  }
  return end
}

/** A name without its `.local`; compression pointers only lead backwards, so it ends. */
function readName(b: Uint8Array, start: number, message: number, end: number): string {
  const labels: string[] = []
  let p = start
  let limit = start
  for (let i = 0; i < 32 && p < end; i++) {
    const size = b[p]!
    if (size === 0) break
    if (size >= 0xc0) {
      const target = message + (((size & 0x3f) << 8) | b[p + 1]!)
      if (target >= limit) break
      limit = target
      p = target
      continue
    }
    if (p + 1 + size > end) break
    labels.push(printable(b, p + 1, size))
    p += size + 1
  }
  if (labels.at(-1)?.toLowerCase() === 'local') labels.pop()
  return labels.join('.')
}
