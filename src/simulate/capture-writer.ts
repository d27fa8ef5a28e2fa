import type { Sink } from '../output/sink.ts'
import { frameLength, MAX_FRAME_BYTES, writeFrame } from './frame.ts'
import type { Packet } from './packets.ts'

const RECORD_HEADER = 16
const CHUNK = 1 << 20

/** Writes packets as a pcap file: little-endian, microseconds, Ethernet (draft-ietf-opsawg-pcap). */
export class CaptureWriter {
  readonly #sink: Sink
  readonly #bytes = new Uint8Array(CHUNK + RECORD_HEADER + MAX_FRAME_BYTES)
  readonly #view = new DataView(this.#bytes.buffer)
  #length = 24

  constructor(sink: Sink) {
    this.#sink = sink
    this.#view.setUint32(0, 0xa1b2c3d4, true)
    this.#view.setUint16(4, 2, true)
    this.#view.setUint16(6, 4, true)
    this.#view.setUint32(16, 65535, true)
    this.#view.setUint32(20, 1, true)
  }

  /** Whether {@link flush} is due. */
  get full(): boolean {
    return this.#length >= CHUNK
  }

  add(p: Packet): void {
    const at = this.#length
    const seconds = Math.floor(p.time / 1e6)
    const stored = writeFrame(p, this.#bytes, at + RECORD_HEADER)
    this.#view.setUint32(at, seconds, true)
    this.#view.setUint32(at + 4, p.time - seconds * 1e6, true)
    this.#view.setUint32(at + 8, stored, true)
    this.#view.setUint32(at + 12, frameLength(p), true)
    this.#length = at + RECORD_HEADER + stored
  }

  async flush(): Promise<void> {
    const length = this.#length
    this.#length = 0
    await this.#sink.write(this.#bytes.subarray(0, length))
  }

  async close(): Promise<void> {
    await this.flush()
    this.#sink.close()
  }

  abort(): void {
    this.#sink.abort()
  }
}
