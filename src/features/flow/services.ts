/**
 * What a connection is for, in the classes a person thinks in.
 *
 * By the application protocol where the source recognised one, else by the responder's port as
 * registered with IANA (and the few unregistered ports that devices use in practice).
 */
export const SERVICE_CLASSES = [
  'web',
  'name lookup',
  'discovery',
  'time',
  'address assignment',
  'IoT messaging',
  'industrial control',
  'remote login',
  'file transfer',
  'mail',
  'chat',
  'media',
  'database',
  'management',
  'other',
] as const

/** The class of everything that is none of the others. */
export const OTHER_SERVICE = SERVICE_CLASSES.length - 1

const MEMBERS: Readonly<
  Record<Exclude<(typeof SERVICE_CLASSES)[number], 'other'>, { names: string; ports: readonly number[] }>
> = {
  web: {
    names: 'http https ssl tls quic websocket',
    ports: [80, 443, 3128, 8000, 8008, 8080, 8081, 8443, 8888],
  },
  'name lookup': { names: 'dns domain domain_u', ports: [53, 853] },
  discovery: { names: 'mdns llmnr ssdp netbios nbns upnp', ports: [137, 138, 1900, 3702, 5353, 5355] },
  time: { names: 'ntp ntp_u time', ports: [37, 123] },
  'address assignment': { names: 'dhcp dhcpv6 bootp', ports: [67, 68, 546, 547] },
  'IoT messaging': { names: 'mqtt coap amqp', ports: [1883, 5671, 5672, 5683, 5684, 8883, 61613] },
  'industrial control': {
    names: 'modbus dnp3 enip s7comm bacnet opcua profinet ge_srtp',
    ports: [102, 502, 2222, 4840, 20000, 34962, 34963, 34964, 44818, 47808],
  },
  'remote login': {
    names: 'ssh telnet rdp vnc rfb rlogin rsh login shell',
    ports: [22, 23, 512, 513, 514, 992, 2323, 3389, 5900, 5901],
  },
  'file transfer': {
    names: 'ftp ftp-data ftp_data tftp smb nfs rsync',
    ports: [20, 21, 69, 139, 445, 873, 989, 990, 2049],
  },
  mail: { names: 'smtp imap imap4 pop3 pop_3', ports: [25, 110, 143, 465, 587, 993, 995] },
  chat: {
    names: 'irc xmpp',
    ports: [194, 5222, 5223, 6660, 6661, 6662, 6663, 6664, 6665, 6666, 6667, 6668, 6669, 6697],
  },
  media: { names: 'rtsp rtmp sip rtp stun turn', ports: [554, 1935, 3478, 3479, 5060, 5061, 5349, 8554] },
  database: {
    names: 'mysql postgresql redis mongodb mssql',
    ports: [1433, 1521, 3306, 5432, 6379, 9200, 11211, 27017],
  },
  management: {
    names: 'snmp syslog ipmi radius ldap krb krb_tcp kerberos',
    ports: [161, 162, 389, 623, 636, 7547],
  },
}

const BY_NAME = new Map<string, number>()
const BY_PORT = new Uint8Array(65536).fill(OTHER_SERVICE)
SERVICE_CLASSES.forEach((name, k) => {
  if (name === 'other') return
  for (const word of MEMBERS[name].names.split(' ')) BY_NAME.set(word, k)
  for (const port of MEMBERS[name].ports) BY_PORT[port] = k
})

/** Index into {@link SERVICE_CLASSES} for a responder port; only TCP and UDP have ports. */
export function classOfPort(port: number): number {
  return BY_PORT[port]!
}

/** Index into {@link SERVICE_CLASSES} for a protocol word ('http', 'ssl,http'); -1 when it says nothing. */
export function classOfService(service: string): number {
  if (service === '') return -1
  for (const word of service.toLowerCase().split(',')) {
    const known = BY_NAME.get(word)
    if (known !== undefined) return known
  }
  return -1
}
