import { Recent } from '../schema/recent.ts'

/** Behaviours, contacts and places remembered at a time; those unused for longest make room. */
const MOST_BEHAVIOURS = 5000
const MOST_CONTACTS = 100_000
const MOST_PLACES = 20_000
/** Distinct peers or ports told apart in a minute; more is certainly many. */
const MOST_DISTINCT = 1024
/** Seconds after which a contact that comes back is a new story; longer where it comes rarely, by this factor. */
const HOUR = 3600
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
}

/** What was done in one minute of event time. */
export class Minute {
  readonly start: number
  flows = 0
  failed = 0
  refused = 0
  packets = 0
  payload = 0
  readonly peers = new Map<string, number>()
  readonly ports = new Set<number>()
  /** Peers and ports that the minute before had not. */
  freshPeers = 0
  freshPorts = 0
  constructor(start: number) {
    this.start = start
  }
}

/** Unusual flows that belong together: one flood, one search for victims, one server that is called again and again. */
export class Behaviour {
  readonly id: number
  /** Forgotten: later flows begin a new one. */
  over = false
  flows = 0
  failed = 0
  /** Distinct peers with their ports. */
  contacts = 0
  first: number
  last: number
  readonly peer: string
  /** Of the last flow. */
  size: number
  now: Minute
  before: Minute | undefined

  constructor(id: number, act: Act) {
    this.id = id
    this.peer = act.peer
    this.first = act.ts
    this.last = act.ts
    this.size = act.size
    this.now = new Minute(minuteOf(act.ts))
  }

  /** Many targets, each tried a few times at most. */
  get sweeps(): boolean {
    return this.flows <= TRIES * this.contacts
  }

  add(act: Act): void {
    this.flows++
    if (act.failed) this.failed++
    if (act.ts < this.first) this.first = act.ts
    if (act.ts > this.last) this.last = act.ts
    this.size = act.size
    const start = minuteOf(act.ts)
    if (start > this.now.start) {
      this.before = this.now.start === start - 60 ? this.now : undefined
      this.now = new Minute(start)
    }
    const { now, before } = this
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

  /** The behaviour that the flow is part of, this flow included, and its contact. */
  add(act: Act): { behaviour: Behaviour; contact: Contact } {
    const { ts } = act
    const way = act.opened ? '>' : '<'
    const key = `${act.device}${way}${act.peer} ${act.proto}/${act.port}`
    let contact = this.#contacts.get(key)
    if (!contact || !continues(contact, ts)) {
      const behaviour = this.#like(act, way) ?? this.#begin(act)
      behaviour.contacts++
      contact = { behaviour, times: 0, out: 0, back: 0, first: ts, last: ts }
      this.#contacts.set(key, contact)
    } else if (ownMatter(contact, act)) {
      contact.behaviour = this.#begin(act)
      contact.behaviour.contacts++
    }
    contact.times++
    contact.out += act.bytesOut
    contact.back += act.bytesIn
    if (ts < contact.first) contact.first = ts
    if (ts > contact.last) contact.last = ts
    const { behaviour } = contact
    this.#alive.get(behaviour.id)
    behaviour.add(act)
    if (act.failed || !act.opened || behaviour.contacts >= SWEEP) {
      const [peer, port, device] = placesOf(act, way)
      this.#places.set(peer, behaviour)
      if (behaviour.sweeps || !act.opened) this.#places.set(port, behaviour)
      if (behaviour.sweeps && behaviour.contacts >= SWEEP) this.#places.set(device, behaviour)
    }
    return { behaviour, contact }
  }

  #begin(act: Act): Behaviour {
    const behaviour = new Behaviour(this.#nextId(), act)
    this.#alive.set(behaviour.id, behaviour)
    return behaviour
  }

  /** What a new contact is part of, if anything. */
  #like(act: Act, way: string): Behaviour | undefined {
    const [peer, port, device] = placesOf(act, way)
      .map((place) => this.#places.get(place))
      .map(alive)
    const away = (b: Behaviour) => Math.max(b.first - act.ts, act.ts - b.last)
    const alike = (b: Behaviour) => act.size + 1 <= 3 * (b.size + 1) && b.size + 1 <= 3 * (act.size + 1)
    const failing = (b: Behaviour) => act.failed && b.failed >= 0.5 * b.flows
    // An answer amid a search is one that it was after.
    const found = (b: Behaviour) => b.contacts >= SWEEP && b.sweeps && away(b) <= AT_ONCE
    if (peer && ((failing(peer) && away(peer) <= SOON) || found(peer))) return peer
    if (port && !act.opened && away(port) <= SOON) return port
    if (port?.sweeps && ((failing(port) && alike(port) && away(port) <= patience(port)) || found(port)))
      return port
    if (device && found(device) && failing(device) && alike(device)) return device
    return undefined
  }
}

function alive(behaviour: Behaviour | undefined): Behaviour | undefined {
  return behaviour?.over ? undefined : behaviour
}

function patience({ contacts }: Behaviour): number {
  return contacts < SWEEP ? AT_ONCE : SOON
}

/** Whether a flow at time `ts` goes on with a contact: it is not too long ago, measured by how often it comes. */
function continues({ behaviour, times, first, last }: Contact, ts: number): boolean {
  const usual = times > 1 ? (last - first) / (times - 1) : 0
  return !behaviour.over && Math.max(first - ts, ts - last) <= HOUR + RARE * usual
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

function end(behaviour: Behaviour): void {
  behaviour.over = true
}

function minuteOf(ts: number): number {
  return Math.floor(ts / 60) * 60
}
