import { between, chance, exponential, whole } from '../choices.ts'
import { type Conversation, conversation, says } from '../conversation.ts'
import type { Scene } from '../talk.ts'
import { endpoint, ephemeralPort } from '../world.ts'
import type { Attack } from './attack.ts'

/**
 * Denial of service against one victim on the Internet, after Mirai's SYN and UDP plain floods
 * (Antonakakis 2017, section 6; IoT-23 34-1 has 14,394 such flows). The SYN flood uses a new source port
 * each time and is never answered; the UDP flood sends 512 filler bytes a datagram to random ports.
 */
export const flood: Attack = {
  name: 'flood',
  duration: (random) => between(random, 30, 120),
  course(scene) {
    const { random } = scene
    const syn = chance(random, 0.5)
    const victim = `203.0.113.${whole(random, 1, 254)}`
    return {
      variant: syn ? 'SYN' : 'UDP',
      detailed_label: 'DDoS',
      targets: [victim],
      description: `floods ${victim} with ${syn ? 'connection attempts' : 'datagrams'}`,
      conversations: syn ? synFlood(scene, victim) : udpFlood(scene, victim),
    }
  },
}

function* synFlood({ host, random, start, end }: Scene, victim: string): Generator<Conversation> {
  const port = [80, 443, 25565][random.int(3)]!
  const perSecond = between(random, 20, 60)
  for (let t = start; t < end; t += exponential(random, 1 / perSecond)) {
    yield conversation({
      ts: t,
      orig: endpoint(host),
      resp: { ip: victim, mac: host.site.gateway.mac },
      orig_p: ephemeralPort(host),
      resp_p: port,
      proto: 6,
      opening: 'ignored',
      syns: 1,
      seed: random.uint32(),
    })
  }
}

function* udpFlood({ host, random, start, end }: Scene, victim: string): Generator<Conversation> {
  const perSecond = between(random, 6, 15)
  for (let t = start; t < end; t += exponential(random, 1 / perSecond)) {
    const turns = Array.from({ length: whole(random, 10, 60) }, () => says(512, 0.0015))
    yield conversation({
      ts: t,
      orig: endpoint(host),
      resp: { ip: victim, mac: host.site.gateway.mac },
      orig_p: ephemeralPort(host),
      // Above the ports of tunnels, whose datagrams would be opened and read as traffic within.
      resp_p: whole(random, 10000, 65535),
      proto: 17,
      turns,
      seed: random.uint32(),
    })
  }
}
