import { classOfPort, OTHER_SERVICE } from '../features/flow/services.ts'
import { stringAt } from '../schema/dictionary.ts'
import type { FlowBatch } from '../schema/flow-batch.ts'
import type { Undo } from '../schema/undo.ts'
import { Behaviours, type BehavioursState } from './flow-behaviour.ts'
import { NOTHING_AROUND, type Surroundings, searches } from './surroundings.ts'

/** States in which nothing useful came back, as long as no payload did. */
const failed = new Set(['S0', 'REJ', 'RSTOS0', 'RSTRH', 'SH', 'OTH'])
/** Bytes of an IPv4 and a TCP header without options. */
const HEADERS = 40

/** What a flow is part of, at the moment of that flow. */
export interface FlowEvidence {
  /** Id of the behaviour: the unusual flows that belong together. */
  readonly behaviour: number
  readonly peer: string
  readonly port: number
  /** Flows of the behaviour in the current and the previous minute of event time, this one included. */
  readonly flows: number
  readonly failed: number
  /** Of `failed`, those that were refused. */
  readonly refused: number
  readonly packets: number
  /** Payload bytes in both directions. */
  readonly payload: number
  readonly peers: number
  readonly ports: number
  /** Of `flows`, those with this peer. */
  readonly withPeer: number
  /** Flows, failed flows and distinct targets (peer and port) of the behaviour so far, and the seconds it took. */
  readonly all: number
  readonly allFailed: number
  readonly targets: number
  readonly age: number
  /** Flows with this peer, port and protocol so far, and seconds between the first and this one. */
  readonly times: number
  readonly span: number
  /** Payload bytes sent to and received from that service in those flows. */
  readonly bytesOut: number
  readonly bytesIn: number
  /** Of this flow: whether nothing useful came back, and its packets. */
  readonly own: { readonly failed: boolean; readonly packets: number }
  readonly around: Surroundings
}

/**
 * Remembers unusual flows in input order: one flow of a scan looks like a mistyped address, a hundred tell.
 * Bounded memory.
 */
export class FlowHistory {
  readonly #behaviours: Behaviours

  /** @param nextId gives the id of each new behaviour; 1, 2, … when left out */
  constructor(nextId: () => number = counter()) {
    this.#behaviours = new Behaviours(nextId)
  }

  /** All of it, for {@link restore}; what it refers to is not copied. */
  save(): BehavioursState {
    return this.#behaviours.save()
  }

  restore(state: BehavioursState): void {
    this.#behaviours.restore(state)
  }

  /**
   * Adds row `i` and tells what it is part of.
   *
   * @param undo where given, learns how to put all back as it was
   * @param around what else the device did, where that is known
   */
  add(batch: FlowBatch, i: number, undo?: Undo, around: Surroundings = NOTHING_AROUND): FlowEvidence {
    const opened = !batch.device_is_orig || batch.device_is_orig[i] === 1
    const peer = stringAt(opened ? batch.resp_h : batch.orig_h, i)
    const port = batch.resp_p[i]!
    const ts = finite(batch.ts[i]!)
    const state = stringAt(batch.conn_state, i)
    const sent = finite(batch.orig_bytes[i]!)
    const back = finite(batch.resp_bytes[i]!)
    const ownPackets = finite(batch.orig_pkts[i]!)
    const packets = ownPackets + finite(batch.resp_pkts[i]!)
    const unanswered = state === '' ? batch.resp_pkts[i] === 0 && !isAnswer(batch, i) : failed.has(state)
    const own = { failed: unanswered && back === 0, packets }
    const { behaviour, contact } = this.#behaviours.add(
      {
        device: batch.device ? stringAt(batch.device, i) : stringAt(batch.orig_h, i),
        opened,
        peer,
        port,
        proto: batch.proto[i]!,
        ts,
        failed: own.failed,
        refused: state === 'REJ' || state === 'RSTRH',
        packets,
        size: finite(batch.orig_ip_bytes[i]!) || sent + HEADERS * ownPackets,
        bytesOut: opened ? sent : back,
        bytesIn: opened ? back : sent,
        searching: searches(around, own.failed),
      },
      undo,
    )
    const { now, before } = behaviour
    return {
      behaviour: behaviour.id,
      peer,
      port,
      flows: now.flows + (before?.flows ?? 0),
      failed: now.failed + (before?.failed ?? 0),
      refused: now.refused + (before?.refused ?? 0),
      packets: now.packets + (before?.packets ?? 0),
      payload: now.payload + (before?.payload ?? 0),
      peers: now.freshPeers + (before?.peers.size ?? 0),
      ports: now.freshPorts + (before?.ports.size ?? 0),
      withPeer: (now.peers.get(peer) ?? 0) + (before?.peers.get(peer) ?? 0),
      all: behaviour.flows,
      allFailed: behaviour.failed,
      targets: behaviour.contacts,
      age: behaviour.last - behaviour.first,
      times: contact.times,
      span: contact.last - contact.first,
      bytesOut: contact.out,
      bytesIn: contact.back,
      own,
      around,
    }
  }
}

/**
 * Whether a flow that was seen one way only is the answer of a server: from a service's port to a higher one. Without
 * the flow that it answers, many of them look like a search of ports.
 */
function isAnswer({ orig_p, resp_p, proto }: FlowBatch, i: number): boolean {
  const [from, to] = [orig_p[i]!, resp_p[i]!]
  const ports = proto[i] === 6 || proto[i] === 17
  return ports && from > 0 && to >= 1024 && from < to && (from < 1024 || classOfPort(from) !== OTHER_SERVICE)
}

/** 1, 2, 3, … */
export function counter(): () => number {
  let last = 0
  return () => ++last
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0
}
