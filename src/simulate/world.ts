import type { Random } from '../kernels/random.ts'
import { between, chance, hash, pick, randomFor, whole } from './choices.ts'
import type { Endpoint } from './conversation.ts'
import type { DeviceKind } from './devices/kind.ts'

/** A device inside a site, with the little state its network stack keeps. */
export interface Host {
  /** Host name, as DHCP and mDNS tell it: 'camera-1'. */
  readonly name: string
  readonly kind: DeviceKind
  readonly site: Site
  readonly ip: string
  readonly mac: string
  /** Global and link-local IPv6 addresses, where the device uses IPv6. */
  readonly ip6: string | undefined
  readonly linkLocal: string
  /** Share of its segments sent twice: radio devices lose some. */
  readonly loss: number
  /** Last ephemeral port used. */
  port: number
  /** DNS name -> time until which the answer is cached. */
  readonly resolved: Map<string, number>
}

/** One local network with its gateway, which is also its DNS and DHCP server. */
export interface Site {
  readonly name: string
  readonly kind: 'home' | 'factory'
  readonly gateway: Endpoint
  readonly hosts: Host[]
}

export interface World {
  readonly seed: number
  readonly start: number
  readonly end: number
  readonly sites: readonly Site[]
  readonly hosts: readonly Host[]
}

/**
 * Lays out `devices` devices over homes and factories. The kinds come from `population` in turn; every round
 * through it makes a new home and a new factory.
 */
export function createWorld(
  seed: number,
  population: readonly DeviceKind[],
  devices: number,
  start: number,
  end: number,
): World {
  const sites: Site[] = []
  const hosts: Host[] = []
  const counts = new Map<string, number>()
  for (let i = 0; i < devices; i++) {
    const kind = population[i % population.length]!
    const number = Math.floor(i / population.length) + 1
    const site = siteOf(sites, kind.place, number)
    const count = (counts.get(kind.name) ?? 0) + 1
    counts.set(kind.name, count)
    const random = randomFor(seed, 'host', i)
    const mac = macOf(kind, random)
    const last = site.hosts.length + 20
    const host: Host = {
      name: `${kind.name}-${count}`,
      kind,
      site,
      ip: `${site.gateway.ip.slice(0, -1)}${last}`,
      mac,
      ip6: kind.ipv6 ? `2001:db8:${number.toString(16)}:1:${interfaceId(mac)}` : undefined,
      linkLocal: `fe80::${interfaceId(mac)}`,
      loss: kind.wireless ? between(random, 0.0005, 0.004) : 0,
      port: whole(random, 32768, 60999),
      resolved: new Map(),
    }
    site.hosts.push(host)
    hosts.push(host)
  }
  return { seed, start, end, sites, hosts }
}

function siteOf(sites: Site[], kind: Site['kind'], number: number): Site {
  const name = `${kind}-${number}`
  const known = sites.find((s) => s.name === name)
  if (known) return known
  // At most 250 sites of a kind (5000 devices, 20 a round), so one byte tells them apart.
  const home = kind === 'home'
  const site: Site = {
    name,
    kind,
    gateway: {
      ip: home ? `192.168.${number}.1` : `10.20.${number}.1`,
      mac: `${home ? '3c:37:86' : '00:1a:a9'}:00:${hex(number)}:01`,
    },
    hosts: [],
  }
  sites.push(site)
  return site
}

/** A MAC address under one of the kind's vendor prefixes; phones make up a private one (locally administered). */
function macOf(kind: DeviceKind, random: Random): string {
  const bytes = Array.from({ length: 6 }, () => random.int(256))
  const own = bytes.map(hex)
  const oui = kind.oui.length > 0 ? pick(random, kind.oui) : undefined
  if (oui) return `${oui}:${own.slice(3).join(':')}`
  return [hex((bytes[0]! & 0xfc) | 2), ...own.slice(1)].join(':')
}

const hex = (n: number) => n.toString(16).padStart(2, '0')

/** Modified EUI-64 interface identifier (RFC 4291, appendix A), compressed as RFC 5952 asks. */
function interfaceId(mac: string): string {
  const b = mac.split(':').map((part) => Number.parseInt(part, 16))
  const words = [((b[0]! ^ 2) << 8) | b[1]!, (b[2]! << 8) | 0xff, 0xfe00 | b[3]!, (b[4]! << 8) | b[5]!]
  return words.map((w) => w.toString(16)).join(':')
}

/** The next ephemeral port of a host (RFC 6056: Linux's default range). */
export function ephemeralPort(host: Host): number {
  host.port = host.port >= 60999 ? 32768 : host.port + 1
  return host.port
}

/**
 * Some server on the Internet under a DNS name. Names are under `.example` and addresses from the blocks for
 * documentation and benchmarks (RFC 2606, 5737, 2544, 3849): nobody's real service is named.
 * A name has one to six addresses, as behind a load balancer; most are answered from near by.
 */
export function server(host: Host, name: string, random: Random): Endpoint & { rtt: number } {
  const h = hash(name)
  const addresses = 1 + (h % 6)
  const k = h + 7919 * random.int(addresses)
  const ip = `198.${18 + ((k >>> 3) & 1)}.${(k >>> 8) & 0xff}.${1 + ((k >>> 16) % 254)}`
  const ip6 = `2001:db8:${(0x8000 + (h & 0xfff)).toString(16)}::${(1 + (k % 254)).toString(16)}`
  const useIp6 = host.ip6 !== undefined && h % 3 === 0 && chance(random, 0.8)
  return { ip: useIp6 ? ip6 : ip, mac: host.site.gateway.mac, rtt: 0.008 + ((h >>> 5) % 100) / 1000 }
}

/** The host as originator towards `peer`: by IPv6 when the peer is. */
export function endpoint(host: Host, peer?: Endpoint): Endpoint {
  const ip6 = peer?.ip.includes(':') ? host.ip6 : undefined
  return { ip: ip6 ?? host.ip, mac: host.mac }
}

/** A random routable IPv4 address: not private, loopback, link-local, multicast or reserved. */
export function randomAddress(random: Random): string {
  for (;;) {
    const [a, b] = [1 + random.int(223), random.int(256)]
    const reserved =
      a === 10 ||
      a === 127 ||
      (a === 100 && b >= 64 && b < 128) ||
      (a === 169 && b === 254) ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && (b === 168 || b === 0)) ||
      (a === 198 && (b === 18 || b === 19 || b === 51)) ||
      (a === 203 && b === 0)
    if (!reserved) return `${a}.${b}.${random.int(256)}.${1 + random.int(254)}`
  }
}
