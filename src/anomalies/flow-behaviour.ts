import { Recent, type RecentEntries } from '../schema/recent.ts'
import type { Undo } from '../schema/undo.ts'

/** Behaviours, contacts and places remembered at a time; those unused for longest make room. */
const MOST_BEHAVIOURS = 5000
const MOST_CONTACTS = 100_000
const MOST_PLACES = 20_000
/** Distinct peers or ports told apart in a minute; more is certainly many. */
const MOST_DISTINCT = 1024
/** Seconds after which a contact that comes back is a new story; longer where it comes rarely, by this factor. */
const SILENCE = 6 * 3600
const RARE = 5
/** Seconds within which like flows to other targets belong together; while there are few of them, a minute. */
const SOON = 600
const AT_ONCE = 60
/** Targets from which a search is certain, and tries of each that it makes at most on average. */
const SWEEP = 10
const TRIES = 3
/** Flows, and times the average, from which one contact of a behaviour is a matter of its own. */
const HEAVY = 6
const ABOVE_AVERAGE = 5

/** One flow from the device's side. */
export interface Act {
  readonly device: string
  readonly opened: boolean
  readonly peer: string
  readonly port: number
  readonly proto: number
  readonly ts: number
  /** Nothing useful came back. */
  readonly failed: boolean
  /** The other side said no, rather than nothing. */
  readonly refused: boolean
  readonly packets: number
  /** Bytes of the IP layer that the originator sent. */
  readonly size: number
  readonly bytesOut: number
  readonly bytesIn: number
  /** Part of a search for victims, by all that the device does, unusual or not. */
  readonly searching: boolean
}

/** What was done in one minute of event time. */
interface Minute {
  readonly start: number
  flows: number
  failed: number
  refused: number
  packets: number
  payload: number
  readonly peers: Map<string, number>
  readonly ports: Set<number>
  /** Peers and ports that the minute before had not. */
  freshPeers: number
  freshPorts: number
}

/** Unusual flows that belong together: one flood, one search for victims, one server that is called again and again. */
export interface Behaviour {
  readonly id: number
  /** Forgotten: later flows begin a new one. */
  over: boolean
  flows: number
  failed: number
  /** Distinct peers with their ports. */
  contacts: number
  first: number
  last: number
  readonly peer: string
  /** Of the last flow. */
  size: number
  now: Minute
  before: Minute | undefined
}

function begin(id: number, { peer, ts, size }: Act): Behaviour {
  return {
    id,
    over: false,
    flows: 0,
    failed: 0,
    contacts: 0,
    first: ts,
    last: ts,
    peer,
    size,
    now: minute(minuteOf(ts)),
    before: undefined,
  }
}

function minute(start: number): Minute {
  return {
    start,
    flows: 0,
    failed: 0,
    refused: 0,
    packets: 0,
    payload: 0,
    peers: new Map(),
    ports: new Set(),
    freshPeers: 0,
    freshPorts: 0,
  }
}

/** Many targets, each tried a few times at most. */
function sweeps({ flows, contacts }: Behaviour): boolean {
  return flows <= TRIES * contacts
}

/** Adds a flow to its behaviour. */
function join(behaviour: Behaviour, act: Act): void {
  behaviour.flows++
  if (act.failed) behaviour.failed++
  if (act.ts < behaviour.first) behaviour.first = act.ts
  if (act.ts > behaviour.last) behaviour.last = act.ts
  behaviour.size = act.size
  const start = minuteOf(act.ts)
  if (start > behaviour.now.start) {
    behaviour.before = behaviour.now.start === start - 60 ? behaviour.now : undefined
    behaviour.now = minute(start)
  }
  const { now, before } = behaviour
  now.flows++
  now.packets += act.packets
  now.payload += act.bytesOut + act.bytesIn
  if (act.failed) now.failed++
  if (act.refused) now.refused++
  const known = now.peers.get(act.peer)
  if (known !== undefined) now.peers.set(act.peer, known + 1)
  else if (now.peers.size < MOST_DISTINCT) {
    now.peers.set(act.peer, 1)
    if (!before?.peers.has(act.peer)) now.freshPeers++
  }
  if (now.ports.size < MOST_DISTINCT && !now.ports.has(act.port)) {
    now.ports.add(act.port)
    if (!before?.ports.has(act.port)) now.freshPorts++
  }
}

/** Puts back what {@link join} and a new contact change. */
function asItIs(behaviour: Behaviour, { peer, port }: Act): () => void {
  const own = { ...behaviour }
  const { now } = behaviour
  const counts = { ...now }
  const times = now.peers.get(peer)
  const tried = now.ports.has(port)
  return () => {
    Object.assign(behaviour, own)
    Object.assign(now, counts)
    if (times === undefined) now.peers.delete(peer)
    else now.peers.set(peer, times)
    if (!tried) now.ports.delete(port)
  }
}

/** A device that keeps contacting one service. */
export interface Contact {
  behaviour: Behaviour
  times: number
  /** Payload bytes by and to the device. */
  out: number
  back: number
  first: number
  last: number
}

/**
 * Groups unusual flows by behaviour, in input order and bounded memory. A flow joins its behaviour at first sight
 * and groups are never merged, so an id once given stays.
 *
 * What is contacted again belongs to what it was contacted for. Else a flow without an answer belongs to those
 * lately sent to the same peer (a flood on random ports, a search for open ones), or to the same port of other
 * peers, as long as these look alike and each was tried a few times only (a search for victims; a flood, or a
 * server that does not answer, is not taken for part of it). Who contacts a device from outside is one behaviour,
 * whichever devices it meets.
 */
export class Behaviours {
  readonly #nextId: () => number
  readonly #alive = new Recent<number, Behaviour>(MOST_BEHAVIOURS, end)
  readonly #contacts = new Recent<string, Contact>(MOST_CONTACTS)
  /** Device and peer, device and port, device -> the behaviour seen there last. */
  readonly #places = new Recent<string, Behaviour>(MOST_PLACES)

  constructor(nextId: () => number) {
    this.#nextId = nextId
  }

  /**
   * The behaviour that the flow is part of, this flow included, and its contact.
   *
   * @param undo where given, learns how to put all back as it was
   */
  add(act: Act, undo?: Undo): { behaviour: Behaviour; contact: Contact } {
    const { ts } = act
    const way = act.opened ? '>' : '<'
    const key = `${act.device}${way}${act.peer} ${act.proto}/${act.port}`
    let contact = this.#contacts.get(key, undo)
    const found = contact && continues(contact, ts) ? contact : undefined
    const goesOn = found && !ownMatter(found, act)
    const behaviour = goesOn
      ? found.behaviour
      : ((found ? undefined : this.#like(act, way, undo)) ?? this.#begin(act, undo))
    undo?.push(asItIs(behaviour, act))
    if (!goesOn) behaviour.contacts++
    if (found) {
      const before = { ...found }
      undo?.push(() => Object.assign(found, before))
      found.behaviour = behaviour
      contact = found
    } else {
      contact = { behaviour, times: 0, out: 0, back: 0, first: ts, last: ts }
      this.#contacts.set(key, contact, undo)
    }
    contact.times++
    contact.out += act.bytesOut
    contact.back += act.bytesIn
    if (ts < contact.first) contact.first = ts
    if (ts > contact.last) contact.last = ts
    this.#alive.get(behaviour.id, undo)
    join(behaviour, act)
    if (act.failed || !act.opened || behaviour.contacts >= SWEEP) {
      const [peer, port, device] = placesOf(act, way)
      this.#places.set(peer, behaviour, undo)
      if (sweeps(behaviour) || !act.opened) this.#places.set(port, behaviour, undo)
      if (sweeps(behaviour) && behaviour.contacts >= SWEEP) this.#places.set(device, behaviour, undo)
    }
    return { behaviour, contact }
  }

  /** All of it, for {@link restore}; what it refers to is not copied. */
  save(): BehavioursState {
    return { alive: this.#alive.save(), contacts: this.#contacts.save(), places: this.#places.save() }
  }

  restore({ alive, contacts, places }: BehavioursState): void {
    this.#alive.restore(alive)
    this.#contacts.restore(contacts)
    this.#places.restore(places)
  }

  #begin(act: Act, undo: Undo | undefined): Behaviour {
    const behaviour = begin(this.#nextId(), act)
    this.#alive.set(behaviour.id, behaviour, undo)
    return behaviour
  }

  /** What a new contact is part of, if anything. */
  #like(act: Act, way: string, undo: Undo | undefined): Behaviour | undefined {
    const [peer, port, device] = placesOf(act, way)
      .map((place) => this.#places.get(place, undo))
      .map(alive)
    const away = (b: Behaviour) => Math.max(b.first - act.ts, act.ts - b.last)
    const alike = (b: Behaviour) => act.size + 1 <= 3 * (b.size + 1) && b.size + 1 <= 3 * (act.size + 1)
    const failing = (b: Behaviour) => act.failed && b.failed >= 0.5 * b.flows
    // An answer amid a search is one that it was after.
    const found = (b: Behaviour) => b.contacts >= SWEEP && sweeps(b) && away(b) <= AT_ONCE
    if (peer && ((failing(peer) && away(peer) <= SOON) || found(peer))) return peer
    if (port && !act.opened && away(port) <= SOON) return port
    if (
      port &&
      sweeps(port) &&
      ((failing(port) && alike(port) && away(port) <= patience(port, act)) || found(port))
    )
      return port
    if (device && found(device) && failing(device) && alike(device)) return device
    return undefined
  }
}

/** All that is known of behaviours; the same one may be referred to from several places. */
export interface BehavioursState {
  readonly alive: RecentEntries<number, Behaviour>
  readonly contacts: RecentEntries<string, Contact>
  readonly places: RecentEntries<string, Behaviour>
}

function alive(behaviour: Behaviour | undefined): Behaviour | undefined {
  return behaviour?.over ? undefined : behaviour
}

/** How long a search may pause; one that goes on among flows that are not told as unusual, for long. */
function patience({ contacts }: Behaviour, { searching }: Act): number {
  return searching ? SILENCE : contacts < SWEEP ? AT_ONCE : SOON
}

/** Whether a flow at time `ts` goes on with a contact: it is not too long ago, measured by how often it comes. */
function continues({ behaviour, times, first, last }: Contact, ts: number): boolean {
  const usual = times > 1 ? (last - first) / (times - 1) : 0
  return !behaviour.over && Math.max(first - ts, ts - last) <= SILENCE + RARE * usual
}

/** Whether a contact has outgrown what it was taken for a part of. */
function ownMatter({ behaviour, times }: Contact, act: Act): boolean {
  const { flows, contacts, peer } = behaviour
  if (times !== HEAVY || contacts < 2) return false
  const others = (flows - times) / (contacts - 1)
  return times > ABOVE_AVERAGE * others && (act.peer !== peer || contacts > SWEEP)
}

function placesOf({ device, peer, port, proto, opened }: Act, way: string): [string, string, string] {
  return [
    `${opened ? device : ''}${way}${peer} ${proto}`,
    `${device}${way}${proto}/${port}`,
    `${device}${way}${proto}`,
  ]
}

function end(behaviour: Behaviour, undo?: Undo): void {
  undo?.push(() => {
    behaviour.over = false
  })
  behaviour.over = true
}

function minuteOf(ts: number): number {
  return Math.floor(ts / 60) * 60
}
