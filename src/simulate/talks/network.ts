import { chance, hash, whole } from '../choices.ts'
import { answers, type Conversation, conversation, type Endpoint, says } from '../conversation.ts'
import { dhcp, ntp } from '../protocols/dhcp.ts'
import { dnsAnswer, dnsQuery, mdnsAnnouncement, mdnsQuery } from '../protocols/dns.ts'
import { ssdp } from '../protocols/text-protocols.ts'
import type { Scene, Talk } from '../talk.ts'
import { endpoint, server } from '../world.ts'
import { exchange } from './connect.ts'

/** What every device needs of its network: names, time, an address, and to be found. */

const MDNS: Endpoint = { ip: '224.0.0.251', mac: '01:00:5e:00:00:fb' }
const MDNS6: Endpoint = { ip: 'ff02::fb', mac: '33:33:00:00:00:fb' }
const SSDP: Endpoint = { ip: '239.255.255.250', mac: '01:00:5e:7f:ff:fa' }

/**
 * Resolves a name through the gateway unless it is cached; one query in some hundred is lost and repeated
 * after 5 s (the resolver default of glibc). Returns the time at which the address is known.
 */
export function* lookup(
  scene: Scene,
  t: number,
  name: string,
  peer: Endpoint,
): Generator<Conversation, number> {
  const { host, random } = scene
  if ((host.resolved.get(name) ?? 0) > t) return t
  const ttl = [60, 120, 300, 600, 3600][hash(name) % 5]!
  host.resolved.set(name, t + ttl)
  const ipv6 = peer.ip.includes(':')
  const id = random.int(65536)
  const query = dnsQuery(id, name, ipv6)
  const plan = { port: 53, service: 'dns' }
  let ts = t
  if (chance(random, 0.004)) {
    yield exchange(scene, ts, host.site.gateway, { ...plan, turns: [says(query)] })
    ts += 5
  }
  const rtt = chance(random, 0.4) ? 0.0015 : 0.018
  const turns = [says(query), answers(dnsAnswer(id, name, ipv6, [peer.ip]))]
  yield exchange(scene, ts, host.site.gateway, { ...plan, turns, rtt })
  return ts + rtt * 1.3 + 0.002
}

/** Asks for a name that does not exist: a typing error, a search list, a retired service. */
export const mistypedName: Talk = function* (scene, t) {
  const name = `${['wpad', 'isatap', 'gogle', 'update-old', 'printer'][scene.random.int(5)]}.example`
  const id = scene.random.int(65536)
  const turns = [says(dnsQuery(id, name, false)), answers(dnsAnswer(id, name, false, [], 3))]
  yield exchange(scene, t, scene.host.site.gateway, { port: 53, service: 'dns', turns, rtt: 0.02 })
}

/** Sets the clock; simple clients use port 123 on both sides. One answer in a hundred is lost. */
export function clock(name = 'pool.ntp.example', symmetric = false): Talk {
  return function* (scene, t) {
    const peer = server(scene.host, name, scene.random)
    const ts = yield* lookup(scene, t, name, peer)
    const turns = [says(ntp(3, ts))]
    if (!chance(scene.random, 0.01)) turns.push(answers(ntp(4, ts)))
    const own = symmetric ? 123 : undefined
    yield exchange(scene, ts, peer, { port: 123, service: 'ntp', turns, own, rtt: peer.rtt })
  }
}

/** Renews the DHCP lease at the gateway. */
export const renewLease: Talk = function* (scene, t) {
  const { host, random } = scene
  const id = random.uint32()
  const message = (kind: 'request' | 'ack') =>
    dhcp(kind, id, host.mac, host.ip, host.name, host.site.gateway.ip)
  const turns = [says(message('request')), answers(message('ack'), 0.01)]
  yield exchange(scene, t, host.site.gateway, { port: 67, own: 68, service: 'dhcp', turns })
}

/** Announces a service over mDNS, by IPv4 and from devices with IPv6 also there. */
export function announce(service: string): Talk {
  return function* (scene, t) {
    const { host } = scene
    const turns = (ip: string) => [
      says(mdnsAnnouncement(host.name, service, ip)),
      says(mdnsAnnouncement(host.name, service, ip), 1),
    ]
    yield exchange(scene, t, MDNS, { port: 5353, own: 5353, service: 'mdns', turns: turns(host.ip) })
    if (!host.ip6) return
    const orig = { ip: host.linkLocal, mac: host.mac }
    const plan = { port: 5353, own: 5353, service: 'mdns', turns: turns(host.ip6), orig }
    yield exchange(scene, t + 0.002, MDNS6, plan)
  }
}

/** Looks for a kind of service over mDNS, asking again after 1 s and 3 s. */
export function browse(service: string): Talk {
  return function* (scene, t) {
    const query = mdnsQuery(service)
    const turns = [says(query), says(query, 1), says(query, 2)]
    yield exchange(scene, t, MDNS, { port: 5353, own: 5353, service: 'mdns', turns })
  }
}

/** Tells the neighbourhood by SSDP that it is there, some messages at a time. */
export const notify: Talk = function* (scene, t) {
  const message = ssdp('notify', `http://${scene.host.ip}:80/description.xml`)
  const turns = Array.from({ length: 6 }, (_, i) => says(message, i * 0.05))
  yield exchange(scene, t, SSDP, { port: 1900, own: 1900, service: 'ssdp', turns })
}

/** Searches for UPnP devices. */
export const search: Talk = function* (scene, t) {
  const turns = [says(ssdp('search', '')), says(ssdp('search', ''), 1)]
  yield exchange(scene, t, SSDP, { port: 1900, service: 'ssdp', turns })
}

/** Pings its gateway. */
export const ping: Talk = function* (scene, t) {
  const { host, random } = scene
  const gateway = host.site.gateway
  const turns = Array.from({ length: whole(random, 1, 4) }, (_, i) => [
    says(56, i === 0 ? 0 : 1),
    answers(56),
  ])
  yield conversation({
    ts: t,
    orig: endpoint(host),
    resp: gateway,
    orig_p: 8,
    resp_p: 0,
    proto: 1,
    rtt: 0.0012,
    turns: turns.flat(),
    seed: random.uint32(),
  })
}
