import { chance, pick, whole } from '../choices.ts'
import { type Conversation, conversation, type Endpoint, type Turn } from '../conversation.ts'
import type { Scene } from '../talk.ts'
import { endpoint, ephemeralPort, type Host } from '../world.ts'

/** How often a connection goes unanswered or is refused although all is well: overload, reboots, bad radio. */
const IGNORED = 0.003
const REFUSED = 0.0015

const ENDINGS = [
  ...Array<Conversation['closing']>(88).fill('fin-orig'),
  ...Array<Conversation['closing']>(6).fill('fin-resp'),
  ...Array<Conversation['closing']>(3).fill('rst-orig'),
  ...Array<Conversation['closing']>(2).fill('rst-resp'),
  'open' as const,
]

/** What a TCP connection needs beyond its turns. */
export interface TcpPlan {
  readonly port: number
  readonly service: string
  readonly turns: readonly Turn[]
  readonly rtt?: number | undefined
  readonly rate?: number
  readonly closing?: Conversation['closing']
}

/** A TCP connection from the scene's host; now and then the first try fails and is repeated some seconds later. */
export function* connect(scene: Scene, t: number, peer: Endpoint, plan: TcpPlan): Generator<Conversation> {
  const { host, random } = scene
  let ts = t
  const base = () => ({
    ts,
    orig: endpoint(host, peer),
    resp: { ip: peer.ip, mac: peer.mac },
    orig_p: ephemeralPort(host),
    resp_p: plan.port,
    proto: 6,
    rtt: plan.rtt ?? (peer.mac === host.site.gateway.mac ? 0.03 : 0.002),
    seed: random.uint32(),
  })
  if (chance(random, IGNORED)) {
    yield conversation({ ...base(), opening: 'ignored' })
    ts += whole(random, 6, 12)
  } else if (chance(random, REFUSED)) {
    yield conversation({ ...base(), opening: 'refused' })
    ts += whole(random, 2, 20)
  }
  yield conversation({
    ...base(),
    service: plan.service,
    turns: plan.turns,
    loss: host.loss,
    rate: plan.rate ?? 2.5e6,
    closing: plan.closing ?? pick(random, ENDINGS),
  })
}

/** A UDP exchange of the scene's host; `port` is its own, an ephemeral one when absent. */
export function exchange(
  scene: Scene,
  t: number,
  peer: Endpoint,
  plan: {
    port: number
    service: string
    turns: readonly Turn[]
    own?: number | undefined
    rtt?: number | undefined
    orig?: Endpoint
  },
): Conversation {
  const { host, random } = scene
  return conversation({
    ts: t,
    orig: plan.orig ?? endpoint(host, peer),
    resp: { ip: peer.ip, mac: peer.mac },
    orig_p: plan.own ?? ephemeralPort(host),
    resp_p: plan.port,
    proto: 17,
    service: plan.service,
    turns: plan.turns,
    rtt: plan.rtt ?? 0.002,
    seed: random.uint32(),
  })
}

/** The devices of some kinds at the host's own site, itself excepted. */
export function neighbours(host: Host, ...kinds: string[]): Host[] {
  return host.site.hosts.filter((h) => h !== host && kinds.includes(h.kind.name))
}
