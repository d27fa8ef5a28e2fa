import { type Dictionary, stringAt } from '../../schema/dictionary.ts'
import type { FlowBatch } from '../../schema/flow-batch.ts'
import type { Undo } from '../../schema/undo.ts'
import { DecayTable } from '../decay-table.ts'
import type { Acquaintance, FeatureSpec } from '../feature-columns.ts'
import { hashText, mix } from '../hash.ts'
import { REGULARITY_VALUES, regularContacts } from './regularity.ts'
import { tablesFromBuffer, tablesToBuffer } from './state.ts'
import { againstUsual, PEAK_VALUES } from './usual-peak.ts'

const MINUTE = 60
const TEN = 600
const HOUR = 3600
/** So long a device is got to know: nothing that it does is new, or more than usual. */
const GETTING_TO_KNOW = 6 * HOUR
/** So long a destination stays new. */
const NEW = 24 * HOUR
/** Training must be so long for what counts from then on to be judged. */
const TRAINING = 2 * GETTING_TO_KNOW

/** Keys kept of targets, peers and ports; about five for each of 100,000 devices. */
const SLOTS = 1 << 19
/** Devices kept. */
const DEVICES = 1 << 18
/** Place of the number of flows in a device's row. */
const FLOWS_AT = 1 + 2 * PEAK_VALUES

function count(name: string, unit: string, words: string): FeatureSpec {
  return { name, unit, scale: 'log1p', direction: 'high', words }
}

export const BEHAVIOUR_SPECS: readonly FeatureSpec[] = [
  count('same_target_1m', 'flows', 'connections to this destination and port in 1 min'),
  count('same_target_10m', 'flows', 'connections to this destination and port in 10 min'),
  count('failed_10m', 'flows', 'failed connections to this port in 10 min'),
  count('destinations_10m', 'destinations', 'destinations reached at this port in 10 min'),
  count('ports_10m', 'ports', 'ports tried at this destination in 10 min'),
  count('bytes_out_10m', 'bytes', 'bytes sent to this destination in 10 min'),
  count('bytes_in_10m', 'bytes', 'bytes received from this destination in 10 min'),
  {
    ...count('rare_port_10m', 'flows', 'connections in 10 min to a port that is hardly ever used'),
    whereRare: 'service_port',
  },
  {
    ...count(
      'regular_contacts',
      'contacts',
      'contacts at regular intervals with a destination new to the device',
    ),
    span: TRAINING,
  },
  {
    ...count(
      'bytes_out_1h_usual',
      'times',
      "bytes sent to this destination in 1 h, against the device's usual most",
    ),
    span: TRAINING,
  },
  {
    ...count(
      'bytes_out_1h_new',
      'times',
      "bytes sent to a destination new to the device in 1 h, against the device's usual most",
    ),
    span: TRAINING,
  },
]

/** What the flows' own features say that behaviour counts. */
interface OwnFeatures {
  readonly servicePort: Float64Array
  /** 1 where the connection came to nothing. */
  readonly failed: Uint8Array
  /** log1p bytes; NaN = unknown. */
  readonly bytesOut: Float64Array
  readonly bytesIn: Float64Array
}

/** Behaviour over event time: what a device did lately with the port and the peer of the flow at hand. */
export class FlowBehaviour {
  /** By device and service port: failed flows and new destinations in 10 min. */
  readonly #ports = new DecayTable(SLOTS, [TEN, TEN])
  /** By device, peer and service port: flows in 1 and 10 min; regularity. */
  readonly #targets = new DecayTable(SLOTS, [MINUTE, TEN], REGULARITY_VALUES)
  /** By device and peer: new ports, bytes out and in, 10 min; bytes out of answered flows, 1 h; until when it is new. */
  readonly #peers = new DecayTable(SLOTS, [TEN, TEN, TEN, HOUR], 1)
  /** By device: when first seen; usual peaks of bytes out in 1 h to any destination, and to a new one; flows. */
  readonly #devices = new DecayTable(DEVICES, [], 2 + 2 * PEAK_VALUES)

  /** Fills the columns of BEHAVIOUR_SPECS, row by row in batch order. */
  fill(batch: FlowBatch, own: OwnFeatures, columns: readonly Float64Array[], undo?: Undo): void {
    const [targets, ports, peers, devices] = [this.#targets, this.#ports, this.#peers, this.#devices]
    const origs = batch.device_is_orig
    const deviceHash = new Hashes(batch.device ?? batch.orig_h)
    const origHash = new Hashes(batch.orig_h)
    const respHash = new Hashes(batch.resp_h)
    const [target1, target10, failed10, destinations10, ports10, out10, in10, rare10] = columns
    const [regular, outUsual, outNew] = columns.slice(8)
    for (let i = 0; i < batch.length; i++) {
      const ts = batch.ts[i]!
      if (!Number.isFinite(ts)) {
        for (const column of columns) column[i] = Number.NaN
        continue
      }
      const device = deviceHash.at(i)
      const peer = (origs && origs[i] === 0 ? origHash : respHash).at(i)
      const port = own.servicePort[i]!
      const failed = own.failed[i]!

      const t = targets.slot(mix(device, peer), mix(port, peer), undo)
      const fresh = ts - targets.last(t) < TEN ? 0 : 1
      let late = targets.advance(t, ts)
      target1![i] = Math.log1p(targets.add(t, 0, 1, late))
      target10![i] = Math.log1p(targets.add(t, 1, 1, late))
      rare10![i] = target10![i]!
      const contacts = regularContacts(targets, t, 2, ts)

      const p = ports.slot(device, mix(port, device), undo)
      late = ports.advance(p, ts)
      failed10![i] = Math.log1p(ports.add(p, 0, failed, late))
      destinations10![i] = Math.log1p(ports.add(p, 1, fresh, late))

      const g = devices.slot(device, mix(device, device), undo)
      const begins = devices.last(g) === Number.NEGATIVE_INFINITY
      devices.advance(g, ts)
      if (begins) devices.set(g, 0, ts)
      devices.set(g, FLOWS_AT, devices.get(g, FLOWS_AT) + 1)
      const known = ts - devices.get(g, 0) >= GETTING_TO_KNOW

      const d = peers.slot(device, mix(peer, device), undo)
      if (peers.last(d) === Number.NEGATIVE_INFINITY)
        peers.set(d, 4, known ? ts + NEW : Number.NEGATIVE_INFINITY)
      late = peers.advance(d, ts)
      const bytesIn = Math.expm1(own.bytesIn[i]!) || 0
      const bytesOut = Math.expm1(own.bytesOut[i]!) || 0
      ports10![i] = Math.log1p(peers.add(d, 0, fresh, late))
      out10![i] = Math.log1p(peers.add(d, 1, bytesOut, late))
      in10![i] = Math.log1p(peers.add(d, 2, bytesIn, late))
      // Nothing is carried away to somebody who does not answer: floods are not uploads.
      const outHour = peers.add(d, 3, failed === 0 && bytesIn > 0 ? bytesOut : 0, late)
      const isNew = ts < peers.get(d, 4)

      regular![i] = isNew ? Math.log1p(contacts) : 0
      const usual = againstUsual(devices, g, 1, begins, ts, outHour)
      const usualNew = againstUsual(devices, g, 1 + PEAK_VALUES, begins, ts, isNew ? outHour : 0)
      outUsual![i] = known ? Math.log1p(usual) : 0
      outNew![i] = known ? Math.log1p(usualNew) : 0
    }
  }

  /** Bytes the memory takes now, and the most it ever takes. */
  get bytes(): { readonly now: number; readonly most: number } {
    const all = this.#tables.map((table) => table.bytes)
    return { now: all.reduce((sum, b) => sum + b.now, 0), most: all.reduce((sum, b) => sum + b.most, 0) }
  }

  /** How well a device is known; undefined where it was never seen or is forgotten. */
  acquaintance(device: string): Acquaintance | undefined {
    const hash = hashText(device)
    const slot = this.#devices.look(hash, mix(hash, hash))
    return slot < 0 ? undefined : this.#acquaintance(slot)
  }

  /** Of every device remembered. */
  *acquaintances(): Generator<Acquaintance> {
    for (const slot of this.#devices.slots()) yield this.#acquaintance(slot)
  }

  #acquaintance(slot: number): Acquaintance {
    const last = this.#devices.last(slot)
    const seen = this.#devices.get(slot, FLOWS_AT)
    const age = last - this.#devices.get(slot, 0)
    const perSecond = seen / Math.max(age, MINUTE)
    return { seen, last, learning: Math.ceil(perSecond * Math.max(0, GETTING_TO_KNOW - age)) }
  }

  /**
   * All that is remembered, for {@link restore}.
   *
   * @param since what was not met since then is left out, seconds since the epoch
   */
  toBuffer(since?: number): ArrayBuffer {
    return tablesToBuffer(this.#tables, since)
  }

  /** @throws RangeError when `buffer` is damaged or of another version */
  restore(buffer: ArrayBufferLike): void {
    tablesFromBuffer(buffer, this.#tables)
  }

  /** Newest event times of everything remembered, and the bytes that each takes in {@link toBuffer}. */
  *ages(): Generator<{ readonly last: number; readonly bytes: number }> {
    for (const table of this.#tables) {
      for (const slot of table.slots()) yield { last: table.last(slot), bytes: table.entryBytes }
    }
  }

  get #tables(): readonly DecayTable[] {
    return [this.#targets, this.#ports, this.#peers, this.#devices]
  }
}

/** Hashes of a column's strings, each computed once a batch. */
class Hashes {
  readonly #column: Dictionary
  readonly #known: Uint8Array
  readonly #hashes: Int32Array

  constructor(column: Dictionary) {
    this.#column = column
    this.#known = new Uint8Array(column.values.length)
    this.#hashes = new Int32Array(column.values.length)
  }

  at(i: number): number {
    const code = this.#column.codes[i]!
    if (this.#known[code] === 0) {
      this.#known[code] = 1
      this.#hashes[code] = hashText(stringAt(this.#column, i))
    }
    return this.#hashes[code]!
  }
}
