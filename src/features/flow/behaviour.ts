import { type Dictionary, stringAt } from '../../schema/dictionary.ts'
import type { FlowBatch } from '../../schema/flow-batch.ts'
import { DecayTable } from '../decay-table.ts'
import type { FeatureSpec } from '../feature-columns.ts'
import { hashText, mix } from '../hash.ts'

const MINUTE = 60
const TEN = 600

const SLOTS = 1 << 19

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
  /** By device, peer and service port: flows in 1 and 10 min. */
  readonly #targets = new DecayTable(SLOTS, [MINUTE, TEN])
  /** By device and peer: new ports, bytes out and bytes in in 10 min. */
  readonly #peers = new DecayTable(SLOTS, [TEN, TEN, TEN])

  /** Fills the columns of BEHAVIOUR_SPECS, row by row in batch order. */
  fill(batch: FlowBatch, own: OwnFeatures, columns: readonly Float64Array[]): void {
    const origs = batch.device_is_orig
    const hashOf = {
      device: new Hashes(batch.device ?? batch.orig_h),
      orig: new Hashes(batch.orig_h),
      resp: new Hashes(batch.resp_h),
    }
    const [target1, target10, failed10, destinations10, ports10, out10, in10, rare10] = columns
    for (let i = 0; i < batch.length; i++) {
      const ts = batch.ts[i]!
      if (!Number.isFinite(ts)) {
        for (const column of columns) column[i] = Number.NaN
        continue
      }
      const device = hashOf.device.at(i)
      const peer = (origs && origs[i] === 0 ? hashOf.orig : hashOf.resp).at(i)
      const port = own.servicePort[i]!

      const t = this.#targets.slot(mix(device, peer), mix(port, peer))
      const fresh = !(ts - this.#targets.last(t) < TEN)
      let late = this.#targets.advance(t, ts)
      target1![i] = Math.log1p(this.#targets.add(t, 0, 1, late))
      target10![i] = Math.log1p(this.#targets.add(t, 1, 1, late))
      rare10![i] = target10![i]!

      const p = this.#ports.slot(device, mix(port, device))
      late = this.#ports.advance(p, ts)
      failed10![i] = Math.log1p(this.#ports.add(p, 0, own.failed[i]!, late))
      destinations10![i] = Math.log1p(this.#ports.add(p, 1, fresh ? 1 : 0, late))

      const d = this.#peers.slot(device, mix(peer, device))
      late = this.#peers.advance(d, ts)
      ports10![i] = Math.log1p(this.#peers.add(d, 0, fresh ? 1 : 0, late))
      out10![i] = Math.log1p(this.#peers.add(d, 1, Math.expm1(own.bytesOut[i]!) || 0, late))
      in10![i] = Math.log1p(this.#peers.add(d, 2, Math.expm1(own.bytesIn[i]!) || 0, late))
    }
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
