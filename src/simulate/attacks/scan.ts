import { between, chance, exponential, pick } from '../choices.ts'
import { conversation } from '../conversation.ts'
import type { Scene } from '../talk.ts'
import { endpoint, ephemeralPort, randomAddress } from '../world.ts'
import type { Attack } from './attack.ts'

/**
 * Searching for victims.
 *
 * `internet telnet` imitates Mirai's scanner (Antonakakis 2017, Understanding the Mirai botnet, section 3.1): bare
 * SYNs to random addresses on TCP 23 and, one time in ten, 2323. Most stay unanswered, a few are refused.
 * `local ports` tries the well-known ports of every neighbour, as after a first foothold; closed ports refuse.
 */
export const scan: Attack = {
  name: 'scan',
  duration: (random) => between(random, 120, 900),
  course(scene) {
    const neighbours = scene.host.site.hosts.filter((h) => h !== scene.host)
    if (neighbours.length >= 3 && chance(scene.random, 0.35)) {
      return {
        variant: 'local ports',
        detailed_label: 'PartOfAVerticalPortScan',
        targets: neighbours.map((h) => h.ip),
        description: `tries the ports of ${neighbours.length} neighbours one after the other`,
        conversations: localPorts(scene),
      }
    }
    return {
      variant: 'internet telnet',
      detailed_label: 'PartOfAHorizontalPortScan',
      targets: [],
      description: 'searches random addresses for open telnet ports 23 and 2323',
      conversations: internetTelnet(scene),
    }
  },
}

function* internetTelnet({ host, random, start, end }: Scene) {
  const perSecond = between(random, 3, 12)
  for (let t = start; t < end; t += exponential(random, 1 / perSecond)) {
    yield conversation({
      ts: t,
      orig: endpoint(host),
      resp: { ip: randomAddress(random), mac: host.site.gateway.mac },
      orig_p: ephemeralPort(host),
      resp_p: chance(random, 0.1) ? 2323 : 23,
      proto: 6,
      opening: chance(random, 0.03) ? 'refused' : 'ignored',
      syns: 1,
      rtt: 0.12,
      seed: random.uint32(),
    })
  }
}

const PORTS = [
  21, 22, 23, 25, 53, 80, 81, 88, 102, 110, 111, 135, 139, 143, 161, 389, 443, 445, 502, 515, 554, 587, 631,
  873, 993, 1080, 1433, 1723, 1883, 2000, 2049, 2222, 2323, 3000, 3306, 3389, 4840, 5000, 5060, 5432, 5555,
  5900, 6379, 7547, 8000, 8008, 8080, 8081, 8443, 8554, 8883, 8888, 9000, 9100, 9200, 10000, 20000, 27017,
  34567, 37777, 44818, 47808, 49152,
]

function* localPorts({ host, random, start, end }: Scene) {
  const targets = host.site.hosts.filter((h) => h !== host)
  const tries = targets.length * PORTS.length
  const pause = Math.min(0.4, (end - start) / tries)
  for (let i = 0; i < tries; i++) {
    const target = targets[Math.floor(i / PORTS.length)]!
    const filtered = chance(random, 0.15)
    yield conversation({
      ts: start + (i + 0.4 * random.float()) * pause,
      orig: endpoint(host),
      resp: { ip: target.ip, mac: target.mac },
      orig_p: ephemeralPort(host),
      resp_p: PORTS[i % PORTS.length]!,
      proto: 6,
      opening: filtered ? 'ignored' : chance(random, 0.03) ? 'accepted' : 'refused',
      closing: pick(random, ['rst-orig', 'fin-orig']),
      syns: 2,
      rtt: 0.003,
      seed: random.uint32(),
    })
  }
}
