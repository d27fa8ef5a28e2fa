/**
 * The layout of dissected packets on their way to the assembler: 24 words of 4 bytes each. Batches let one
 * thread dissect while another assembles, and let the assembler load what it will need for several packets
 * at once.
 */

/** Words a packet takes. */
export const STRIDE = 24

/** Addresses are four words, network order, IPv4 in the last one. */
export const SOURCE = 0
export const DESTINATION = 4
/** Source port in the upper half, destination port in the lower; ICMP type and its answer or code. */
export const PORTS = 8
/** As in the flow record: protocol number, KEY_V6, KEY_ONE_WAY. */
export const KEY = 9
/** The same for both directions. */
export const HASH = 10
/** TCP flags in the low byte, then the bits below. */
export const BITS = 11
/** f64: seconds since the epoch. */
export const TS = 12
export const SEQ = 14
export const ACK = 15
export const WINDOW = 16
/** Payload bytes by the headers. */
export const PAYLOAD = 17
/** Payload bytes that can be looked at. */
export const AVAILABLE = 18
/** Where they start, in the batch's bytes or, with {@link IN_SPARE}, in its spare bytes. */
export const PAYLOAD_AT = 19
/** Length of the IP packet, headers included. */
export const IP_LENGTH = 20
/** 12 bytes: source's, destination's link-layer address; all 0 when there are none. */
export const MACS = 21

// BITS
/** The first entry of a captured packet: it counts the packet and sets the clock. */
export const CAPTURED = 0x100
/** There is a transport segment; otherwise only {@link CAPTURED} and {@link TS} mean anything. */
export const SEGMENT = 0x200
export const CHECKSUM_RIGHT = 0x400
/** Neither bit: the checksum cannot tell. */
export const CHECKSUM_WRONG = 0x800
/** A TCP header length that cannot be. */
export const BAD_HEADER = 0x1000
/** All of the segment was captured. */
export const WHOLE = 0x2000
/** The payload was put together from fragments. */
export const IN_SPARE = 0x4000

/** Packets of a batch; with its bytes it stays in the cache between two threads. */
const CAPACITY = 4096
/** Entries one captured packet may need: itself and what its tunnels carry. */
const MOST_FOR_ONE = 8
/** Room for the reassembled payloads of one captured packet. */
const SPARE = 5 * 65536

/** Dissected packets; the memory may be shared between threads. */
export class PacketBatch {
  readonly words: Uint32Array
  readonly doubles: Float64Array
  readonly spare: Uint8Array
  /** The bytes the packets lie in. */
  bytes: Uint8Array = new Uint8Array(0)
  count = 0
  /** Spare bytes used. */
  spareUsed = 0

  constructor(memory: ArrayBufferLike = new ArrayBuffer(PacketBatch.size)) {
    this.words = new Uint32Array(memory, 0, CAPACITY * STRIDE)
    this.doubles = new Float64Array(memory, 0, (CAPACITY * STRIDE) / 2)
    this.spare = new Uint8Array(memory, CAPACITY * STRIDE * 4, SPARE)
  }

  /** Bytes of memory a batch needs. */
  static readonly size = CAPACITY * STRIDE * 4 + SPARE

  /** Whether the next captured packet, at worst, finds no room. */
  get full(): boolean {
    return this.count > CAPACITY - MOST_FOR_ONE || this.spareUsed > 0
  }
}
