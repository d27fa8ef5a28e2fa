/**
 * The layout of one live flow: 80 words of 4 bytes in a typed array, so that a packet touches a handful of
 * neighbouring cache lines and a flow costs no object. Words marked f64 are read through a Float64Array on
 * the same buffer, at half the index.
 */

/** Words a flow takes. */
export const STRIDE = 80

// Who: addresses are four words, network order, IPv4 in the last one.
export const ORIG_ADDR = 0
export const RESP_ADDR = 4
/** Originator's port in the upper half, responder's in the lower. */
export const PORTS = 8
/** Protocol number, {@link KEY_V6}, {@link KEY_ONE_WAY}. */
export const KEY = 9
export const HASH = 10

/** Bucket of the timer wheel + 1, 0 = none. */
export const BUCKET = 11

/** f64: number of the packet that began the flow, 1-based. */
export const FIRST_PACKET = 14
/** f64: seconds since the epoch. */
export const START = 16
export const LAST = 18
/** f64: what {@link MODE} says. */
export const DEADLINE = 20
/** 12 bytes: originator's, responder's link-layer address. */
export const MACS = 22
/** Bit set of the history letters seen, responder's shifted by 16. */
export const SEEN = 25
export const FLAGS = 26
/** Service code in the low byte, payloads looked at in the next, originator's clue above. */
export const SERVICE = 27
/** Inactivity timeout, seconds; 0 while a TCP handshake runs. */
export const TIMEOUT = 28
export const MODE = 29
/** f64: payload bytes missing from the capture. */
export const MISSED = 30
export const ORIG = 32
export const RESP = 52
/** 32 bytes of history letters; length in {@link HISTORY_LENGTH}. */
export const HISTORY = 72

// One side of a flow, relative to ORIG or RESP. What every packet touches comes first, in one cache line.
/** f64: TCP: relative number of the next byte to deliver; otherwise: payload bytes. */
export const SIDE_NEXT = 0
/** f64: bytes at the IP layer. */
export const SIDE_IP_BYTES = 2
export const SIDE_START = 4
export const SIDE_LAST = 5
export const SIDE_ACK = 6
/** Wraps of the sequence number (upper half) and of the acknowledgement (lower half). */
export const SIDE_WRAPS = 7
export const SIDE_STATE = 8
/** Flags in the low byte, above them the number of packets with a wrong checksum. */
export const SIDE_FLAGS = 9
export const SIDE_PACKETS = 10
export const SIDE_PREVIOUS = 11
/** f64: relative number behind the FIN. */
export const SIDE_FIN = 12
export const SIDE_SYN_AT = 14
export const SIDE_FIN_AT = 15
export const SIDE_RST_AT = 16
export const SIDE_RETRANSMITTED = 17
export const SIDE_ZERO_WINDOW = 18
export const SIDE_GAPS = 19
export const SIDE_WORDS = 20

export const KEY_V6 = 0x100
/** ICMP without an answer type: the other direction is another flow. */
export const KEY_ONE_WAY = 0x200

// FLAGS
export const HISTORY_LENGTH = 0xff
export const ORIG_SEEN = 0x100
export const RESP_SEEN = 0x200
export const PARTIAL = 0x400
export const CLOSE_DEFERRED = 0x800
/** A packet of the side had a right checksum, so a wrong one means damage. */
export const ORIG_VERIFIED = 0x1000
export const RESP_VERIFIED = 0x2000
export const HISTORY_LIMIT = 32

// MODE: what the deadline is.
export const NO_DEADLINE = 0
/** A SYN waits for its answer until the deadline. */
export const ATTEMPT = 1
/** The flow is over and goes at the deadline. */
export const CLOSING = 2
/** One side closed at the deadline's time. */
export const HALF_CLOSED = 3

// SIDE_STATE: Zeek's endpoint states. For UDP and ICMP only INACTIVE and ESTABLISHED are used.
export const INACTIVE = 0
export const SYN_SENT = 1
export const SYN_ACK_SENT = 2
export const PARTIAL_STATE = 3
export const ESTABLISHED = 4
export const CLOSED = 5
export const RESET = 6

// SIDE_FLAGS
export const DID_CLOSE = 1
export const SKIP_DELIVERIES = 2
export const DID_EOF = 4
export const FIN_SEEN = 8
/** Data lies beyond a hole; its ranges are in the table's side map. */
export const HAS_HOLES = 16
