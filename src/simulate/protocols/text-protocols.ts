import { bytes, text } from './bytes.ts'

/** Protocols of plain text lines: HTTP, RTSP, SSDP, SSH banners, telnet, IRC. */

export function httpRequest(method: string, host: string, path: string, agent: string, body = 0): Uint8Array {
  const length = body > 0 ? `Content-Length: ${body}\r\n` : ''
  return text(
    `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: ${agent}\r\nAccept: */*\r\n${length}\r\n`,
  )
}

export function httpResponse(status: string, type: string, length: number): Uint8Array {
  return text(
    `HTTP/1.1 ${status}\r\nServer: nginx\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`,
  )
}

/** RTSP request (RFC 2326). */
export function rtspRequest(method: string, url: string, sequence: number): Uint8Array {
  const transport = method === 'SETUP' ? 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n' : ''
  return text(
    `${method} ${url} RTSP/1.0\r\nCSeq: ${sequence}\r\nUser-Agent: LibVLC/3.0.20\r\n${transport}\r\n`,
  )
}

export function rtspResponse(sequence: number, body = ''): Uint8Array {
  const length = body ? `Content-Type: application/sdp\r\nContent-Length: ${body.length}\r\n` : ''
  return text(`RTSP/1.0 200 OK\r\nCSeq: ${sequence}\r\nSession: 1185d20035702ca\r\n${length}\r\n${body}`)
}

/** SSDP announcement or search (UPnP Device Architecture 1.1, section 1). */
export function ssdp(kind: 'notify' | 'search', location: string): Uint8Array {
  const common = 'HOST: 239.255.255.250:1900\r\n'
  return text(
    kind === 'search'
      ? `M-SEARCH * HTTP/1.1\r\n${common}MAN: "ssdp:discover"\r\nMX: 2\r\nST: ssdp:all\r\n\r\n`
      : `NOTIFY * HTTP/1.1\r\n${common}CACHE-CONTROL: max-age=100\r\nLOCATION: ${location}\r\nNT: upnp:rootdevice\r\nNTS: ssdp:alive\r\n\r\n`,
  )
}

export const sshClient = text('SSH-2.0-OpenSSH_9.6\r\n')
export const sshServer = text('SSH-2.0-dropbear_2022.83\r\n')

/** Telnet option negotiation (RFC 854: IAC WILL/DO) and the prompts of a busybox login. */
export const telnetHello = bytes(255, 253, 1, 255, 253, 31, 255, 251, 1, 255, 251, 3)
export const telnetAgree = bytes(255, 252, 1, 255, 251, 31, 255, 253, 1, 255, 253, 3)
export const telnetLogin = text('\r\nlogin: ')
export const telnetPassword = text('Password: ')
export const telnetIncorrect = text('\r\nLogin incorrect\r\nlogin: ')

export const line = (words: string) => text(`${words}\r\n`)
