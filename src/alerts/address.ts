import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'

/** An address that alerts may be sent to. */
export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

/** This machine itself, its link, groups and what stands for nobody: what a rule could abuse the service to reach. */
const FORBIDDEN = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  FORBIDDEN.addSubnet(net, prefix, 'ipv4')
  // The same through a translator (RFC 6052).
  FORBIDDEN.addSubnet(`64:ff9b::${net}`, 96 + prefix, 'ipv6')
}
for (const [net, prefix] of [
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['ff00::', 8],
] as const) {
  FORBIDDEN.addSubnet(net, prefix, 'ipv6')
}

/**
 * The address behind a name, looked up once and then connected to, so that it is the one that was checked. Private
 * networks are where many receivers are; this machine and its link (cloud metadata!) are not for alerts.
 *
 * @param allowLocal lets this machine be a target
 * @throws Error when there is none, or none that may be used
 */
export async function addressOf(host: string, allowLocal: boolean): Promise<Address> {
  const name = host.replace(/^\[(.*)\]$/, '$1')
  const all = isIP(name)
    ? [{ address: name, family: isIP(name) }]
    : await lookup(name, { all: true }).catch((error: NodeJS.ErrnoException) => {
        throw new Error(`${name} has no address (${error.code}); check the name`)
      })
  const usable = all.find(({ address }) => allowLocal || !isForbidden(address))
  if (!usable) {
    throw new Error(
      `${name} is this machine itself or an address of its link; alerts go there only with alerts.local: true in the configuration`,
    )
  }
  return { address: usable.address, family: usable.family === 6 ? 6 : 4 }
}

export function isForbidden(address: string): boolean {
  return FORBIDDEN.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
