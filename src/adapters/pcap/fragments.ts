/** Bytes kept of datagrams that are not complete yet; beyond it the oldest go. */
const MAX_BYTES = 8 * 1024 * 1024
/** Seconds a datagram may take to become complete. */
const TIMEOUT = 300
const MAX_DATAGRAM = 65535

interface Datagram {
  ts: number
  bytes: number
  /** Packets it came in. */
  packets: number
  /** Length of the whole payload, once the last fragment was seen. */
  total: number
  parts: { from: number; data: Uint8Array }[]
}

/** Puts IP fragments together, in bounded memory (RFC 791, RFC 8200 section 4.5). */
export class Fragments {
  /** Fragments of datagrams that were given up. */
  lost = 0
  readonly #datagrams = new Map<string, Datagram>()
  #bytes = 0

  /** Fragments that still wait for the rest of their datagram. */
  get waiting(): number {
    let packets = 0
    for (const datagram of this.#datagrams.values()) packets += datagram.packets
    return packets
  }

  /**
   * Adds a fragment.
   *
   * @param key what identifies the datagram: addresses, identification, protocol
   * @param from offset of the data in the datagram's payload, bytes
   * @param more whether further fragments follow
   * @param weight packets it counts for in {@link lost} and {@link waiting}
   * @returns the whole payload when it is complete
   */
  add(
    key: string,
    from: number,
    data: Uint8Array,
    more: boolean,
    ts: number,
    weight = 1,
  ): Uint8Array | undefined {
    if (from + data.length > MAX_DATAGRAM) {
      this.lost += weight
      return undefined
    }
    let datagram = this.#datagrams.get(key)
    if (datagram && ts - datagram.ts > TIMEOUT) {
      this.#drop(key, datagram)
      datagram = undefined
    }
    if (!datagram) {
      datagram = { ts, bytes: 0, packets: 0, total: -1, parts: [] }
      this.#datagrams.set(key, datagram)
    }
    datagram.packets += weight
    datagram.parts.push({ from, data: data.slice() })
    // A fragment of few bytes costs memory too.
    datagram.bytes += data.length + 128
    this.#bytes += data.length + 128
    if (!more) datagram.total = from + data.length
    const whole = datagram.total >= 0 ? join(datagram) : undefined
    if (whole) {
      this.#datagrams.delete(key)
      this.#bytes -= datagram.bytes
      return whole
    }
    while (this.#bytes > MAX_BYTES) {
      const [oldest, old] = this.#datagrams.entries().next().value!
      this.#drop(oldest, old)
    }
    return undefined
  }

  #drop(key: string, datagram: Datagram): void {
    this.#datagrams.delete(key)
    this.#bytes -= datagram.bytes
    this.lost += datagram.packets
  }
}

/** The payload when its parts cover it; where they overlap the earlier fragment counts. */
function join(datagram: Datagram): Uint8Array | undefined {
  let covered = 0
  for (const part of [...datagram.parts].sort((x, y) => x.from - y.from)) {
    if (part.from > covered) return undefined
    covered = Math.max(covered, part.from + part.data.length)
  }
  if (covered < datagram.total) return undefined
  const whole = new Uint8Array(datagram.total)
  for (const part of datagram.parts.toReversed()) {
    if (part.from < datagram.total) whole.set(part.data.subarray(0, datagram.total - part.from), part.from)
  }
  return whole
}
