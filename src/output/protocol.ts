/** Zeek's transport word for an IANA protocol number; ICMPv6 is `icmp` too, as in Zeek, told apart by `ip_proto`. */
export function transport(proto: number): string {
  switch (proto) {
    case 6:
      return 'tcp'
    case 17:
      return 'udp'
    case 1:
    case 58:
      return 'icmp'
    case 255:
      return ''
    default:
      return 'unknown_transport'
  }
}
