/**
 * Ports that more likely belong to a server, for finding the originator of a flow whose beginning was missed.
 * The facts are those of Zeek's `likely_server_ports` (the ports its analyzers register).
 */
const TCP_SERVERS = [
  21, 22, 25, 53, 79, 80, 81, 88, 135, 139, 143, 389, 443, 445, 465, 502, 514, 563, 585, 587, 614, 631, 636,
  989, 990, 992, 993, 995, 1080, 1434, 1883, 2811, 3128, 3268, 3306, 3389, 5222, 5223, 5269, 5432, 6379, 6666, 6667,
  6668, 6669, 8000, 8080, 8888, 20000,
] as const // biome-ignore format: one list
const UDP_SERVERS = [
  53, 67, 88, 123, 137, 161, 162, 389, 443, 514, 1812, 2123, 2152, 3389, 3544, 4011, 4754, 4789, 5060, 5072, 5353,
  5355, 6081, 20000,
] as const // biome-ignore format: one list

const TCP_TABLE = table(TCP_SERVERS)
const UDP_TABLE = table(UDP_SERVERS)

function table(ports: readonly number[]): Uint8Array {
  const flags = new Uint8Array(65536)
  for (const port of ports) flags[port] = 1
  return flags
}

/** Whether `port` of protocol 6 (TCP) or 17 (UDP) likely belongs to a server. */
export function isLikelyServer(protocol: 6 | 17, port: number): boolean {
  return (protocol === 6 ? TCP_TABLE : UDP_TABLE)[port] === 1
}
