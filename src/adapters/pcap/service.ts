/**
 * Services by code; 0 is unknown. The words are those of Zeek's conn.log where Zeek knows the protocol,
 * except that multicast DNS is told apart from DNS.
 */
export const SERVICES = [
  '',
  'dns',
  'dhcp',
  'ntp',
  'mdns',
  'http',
  'ssl',
  'mqtt',
  'coap',
  'ssh',
  'telnet',
  'irc',
  'smtp',
  'ftp',
  'modbus',
  'rtsp',
  'pop3',
  'imap',
  'quic',
  'dtls',
  'snmp',
  'syslog',
  'sip',
  'ssdp',
  'smb',
  'ldap_tcp',
  'redis',
  'rdp',
] as const

export const DNS = 1
export const DHCP = 2
const NTP = 3
export const MDNS = 4
const HTTP = 5
const SSL = 6
const MQTT = 7
const COAP = 8
export const SSH = 9
const TELNET = 10
const IRC = 11
const SMTP = 12
export const FTP = 13
const MODBUS = 14
const RTSP = 15
const POP3 = 16
const IMAP = 17
const QUIC = 18
const DTLS = 19
const SNMP = 20
const SYSLOG = 21
const SIP = 22
const SSDP = 23
const SMB = 24
const LDAP = 25
const REDIS = 26
const RDP = 27

/**
 * The service a payload shows, as an index into {@link SERVICES}; 0 when it shows none.
 *
 * Content decides. A port counts only where the content fits but would fit much else too (telnet options,
 * NTP, the small binary headers), so that a port alone never names a service, as in Zeek.
 *
 * @param orig originator's port
 * @param resp responder's port
 * @param isOrig whether the originator sent the payload
 * @param b bytes, the payload is `b[at .. at + n)`, as far as captured
 */
export function guessService(
  protocol: number,
  orig: number,
  resp: number,
  isOrig: boolean,
  b: Uint8Array,
  at: number,
  n: number,
): number {
  if (n < 3) return 0
  return protocol === 6
    ? overTcp(resp, isOrig, b, at, n)
    : protocol === 17
      ? overUdp(orig, resp, b, at, n)
      : 0
}

function overTcp(resp: number, isOrig: boolean, b: Uint8Array, at: number, n: number): number {
  const first = b[at]!
  // TLS record with a handshake, alert or SSLv2-compatible hello.
  if (n >= 6 && first >= 0x15 && first <= 0x16 && b[at + 1] === 3 && b[at + 2]! <= 4) return SSL
  if (n >= 5 && (first & 0x80) !== 0 && b[at + 2] === 1 && b[at + 3] === 3 && resp === 443) return SSL
  if (startsWith(b, at, n, 'SSH-')) return SSH
  if (startsWith(b, at, n, 'HTTP/1.')) return HTTP
  if (startsWith(b, at, n, 'RTSP/1.')) return RTSP
  if (isOrig && first >= 65 && first <= 90) {
    const method = httpMethod(b, at, n)
    if (method !== 0) return method
  }
  if (isOrig && first === 0x10 && isMqttConnect(b, at, n)) return MQTT
  if (resp === 1883 && isMqtt(b, at, n)) return MQTT
  if (first === 0xff && (resp === 23 || resp === 2323) && b[at + 1]! >= 0xf0) return TELNET
  if (startsWith(b, at, n, '220 ') || startsWith(b, at, n, '220-')) return greeting(resp, b, at, n)
  if (isOrig && (startsWith(b, at, n, 'EHLO ') || startsWith(b, at, n, 'HELO '))) return SMTP
  if (startsWith(b, at, n, '+OK') && resp !== 6379) return POP3
  if (startsWith(b, at, n, '* OK')) return IMAP
  if (isIrc(b, at, n, isOrig, resp)) return IRC
  if (n >= 8 && resp === 502 && b[at + 2] === 0 && b[at + 3] === 0 && ((b[at + 4]! << 8) | b[at + 5]!) < 260)
    return MODBUS
  if (resp === 53 && n >= 14 && isDns(b, at + 2, n - 2)) return DNS
  if (n >= 8 && b[at + 4]! >= 0xfd && b[at + 5] === 0x53 && b[at + 6] === 0x4d && b[at + 7] === 0x42)
    return SMB
  if ((resp === 389 || resp === 3268) && first === 0x30) return LDAP
  if ((resp === 6379 && (first === 0x2a || first === 0x2b)) || startsWith(b, at, n, '*1\r\n$')) return REDIS
  if (first === 3 && b[at + 1] === 0 && resp === 3389) return RDP
  return 0
}

function overUdp(orig: number, resp: number, b: Uint8Array, at: number, n: number): number {
  const first = b[at]!
  if ((resp === 5353 || orig === 5353) && isDns(b, at, n)) return MDNS
  if ((resp === 53 || resp === 5355 || resp === 137 || orig === 53) && isDns(b, at, n)) return DNS
  if ((resp === 67 || resp === 68 || resp === 4011) && n >= 240 && (first === 1 || first === 2)) {
    return b[at + 236] === 0x63 && b[at + 237] === 0x82 ? DHCP : 0
  }
  if ((resp === 123 || orig === 123) && n >= 12 && ((first >> 3) & 7) >= 1 && (first & 7) !== 0) return NTP
  if (resp === 5683 || orig === 5683) return n >= 4 && first >> 6 === 1 && (first & 15) <= 8 ? COAP : 0
  if (n >= 13 && first >= 20 && first <= 23 && b[at + 1] === 0xfe && b[at + 2]! >= 0xfd) return DTLS
  // QUIC long header with a version Zeek knows: 1, 2 or a late draft.
  if (n >= 1200 && (first & 0xc0) === 0xc0 && isQuicVersion(b, at + 1)) return QUIC
  if (resp === 1900 && (startsWith(b, at, n, 'M-SEARCH') || startsWith(b, at, n, 'NOTIFY'))) return SSDP
  if ((resp === 161 || resp === 162) && first === 0x30) return SNMP
  if (resp === 514 && first === 0x3c) return SYSLOG
  if (
    startsWith(b, at, n, 'SIP/2.0') ||
    startsWith(b, at, n, 'REGISTER sip') ||
    startsWith(b, at, n, 'INVITE sip')
  )
    return SIP
  return 0
}

function startsWith(b: Uint8Array, at: number, n: number, text: string): boolean {
  if (n < text.length) return false
  for (let i = 0; i < text.length; i++) if (b[at + i] !== text.charCodeAt(i)) return false
  return true
}

const HTTP_METHODS = [
  'GET ',
  'POST ',
  'HEAD ',
  'PUT ',
  'DELETE ',
  'CONNECT ',
  'OPTIONS ',
  'PATCH ',
  'TRACE ',
  'QUERY ',
]
const RTSP_METHODS = ['DESCRIBE ', 'SETUP ', 'PLAY ', 'PAUSE ', 'TEARDOWN ', 'ANNOUNCE ', 'GET_PARAMETER ']

function httpMethod(b: Uint8Array, at: number, n: number): number {
  for (const method of RTSP_METHODS) if (startsWith(b, at, n, method)) return RTSP
  for (const method of HTTP_METHODS) {
    if (!startsWith(b, at, n, method)) continue
    return startsWith(b, at + method.length, n - method.length, 'rtsp://') ? RTSP : HTTP
  }
  return 0
}

/** MQTT 3.1, 3.1.1 or 5 CONNECT: remaining length, then the protocol's name. */
function isMqttConnect(b: Uint8Array, at: number, n: number): boolean {
  let p = at + 1
  const end = Math.min(at + n, at + 5)
  while (p < end && b[p]! & 0x80) p++
  p++
  return startsWith(b, p, at + n - p, '\0\x04MQTT') || startsWith(b, p, at + n - p, '\0\x06MQIsdp')
}

/** A control packet with valid flags whose length fits the payload. */
function isMqtt(b: Uint8Array, at: number, n: number): boolean {
  const type = b[at]! >> 4
  const flags = b[at]! & 15
  if (type < 1 || type > 14) return false
  if (type !== 3 && flags !== (type === 6 || type === 8 || type === 10 ? 2 : 0)) return false
  return b[at + 1]! < 0x80 ? b[at + 1]! + 2 <= n : true
}

/** FTP and SMTP greet alike; the words or else the port tell. */
function greeting(resp: number, b: Uint8Array, at: number, n: number): number {
  if (resp === 21) return FTP
  if (resp === 25 || resp === 587 || resp === 465) return SMTP
  const text = String.fromCharCode(...b.subarray(at, at + Math.min(n, 100))).toUpperCase()
  return text.includes('SMTP') ? SMTP : text.includes('FTP') ? FTP : 0
}

function isIrc(b: Uint8Array, at: number, n: number, isOrig: boolean, resp: number): boolean {
  if (isOrig) {
    return (
      startsWith(b, at, n, 'NICK ') ||
      startsWith(b, at, n, 'USER ') ||
      startsWith(b, at, n, 'CAP LS') ||
      (startsWith(b, at, n, 'PASS ') && resp >= 6660 && resp <= 6697)
    )
  }
  return resp >= 6660 && resp <= 6697 && (b[at] === 0x3a || startsWith(b, at, n, 'NOTICE '))
}

/** A DNS header with plausible counts: opcode 0–5, and as many records as can be. */
function isDns(b: Uint8Array, at: number, n: number): boolean {
  if (n < 12) return false
  const opcode = (b[at + 2]! >> 3) & 15
  const questions = (b[at + 4]! << 8) | b[at + 5]!
  const answers = (b[at + 6]! << 8) | b[at + 7]!
  return (
    opcode <= 8 && questions <= 64 && answers <= 4096 && questions + answers + b[at + 9]! + b[at + 11]! > 0
  )
}

function isQuicVersion(b: Uint8Array, at: number): boolean {
  const high = (b[at]! << 8) | b[at + 1]!
  const low = (b[at + 2]! << 8) | b[at + 3]!
  return (high === 0 && low === 1) || (high === 0x6b33 && low === 0x43cf) || (high === 0xff00 && low <= 0x22)
}
