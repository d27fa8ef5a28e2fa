import { createSocket } from 'node:dgram'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer as createTcp, type Socket } from 'node:net'

/** Something that alerts arrive at. */
export interface Receiver<T> {
  readonly port: number
  readonly received: readonly T[]
  close(): Promise<void>
}

export interface Posted {
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** @param status of the answer to the n-th request, counted from 0 */
export async function httpReceiver(status: (n: number) => number = () => 204): Promise<Receiver<Posted>> {
  const received: Posted[] = []
  const server = createHttp(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const code = status(received.length)
    received.push({ path: request.url!, headers: request.headers, body })
    if (code === 302) response.setHeader('location', '/elsewhere')
    response.writeHead(code).end()
  })
  return listening(server, received)
}

/** A mail server that takes everything, in the clear, and asks for a password when told to. */
export async function smtpReceiver(login?: { user: string; password: string }): Promise<Receiver<string>> {
  const received: string[] = []
  const server = createTcp((socket) => {
    let text = ''
    let data: string | undefined
    let known = login === undefined
    socket.write('220 test ESMTP\r\n')
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      text += chunk
      for (let end = text.indexOf('\r\n'); end >= 0; end = text.indexOf('\r\n')) {
        const line = text.slice(0, end)
        text = text.slice(end + 2)
        if (data !== undefined) {
          if (line === '.') {
            received.push(data)
            data = undefined
            socket.write('250 taken\r\n')
          } else data += `${line}\n`
        } else if (/^EHLO/i.test(line)) socket.write('250-test\r\n250 AUTH PLAIN\r\n')
        else if (/^AUTH PLAIN /i.test(line)) {
          const given = Buffer.from(line.slice(11), 'base64').toString()
          known = given === `\0${login?.user}\0${login?.password}`
          socket.write(known ? '235 welcome\r\n' : '535 wrong\r\n')
        } else if (/^DATA/i.test(line)) {
          data = ''
          socket.write('354 go on\r\n')
        } else if (/^QUIT/i.test(line)) socket.end('221 bye\r\n')
        else socket.write(known ? '250 ok\r\n' : '530 log in\r\n')
      }
    })
  })
  return listening(server, received)
}

/** Messages over TCP, each connection's bytes as one text. */
export async function tcpReceiver(): Promise<Receiver<string>> {
  const received: string[] = []
  const server = createTcp((socket) => {
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', () => {})
    socket.on('end', () => {
      received.push(text)
      socket.end()
    })
  })
  return listening(server, received)
}

export async function udpReceiver(): Promise<Receiver<string>> {
  const received: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (message) => received.push(String(message)))
  await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done))
  return {
    port: socket.address().port,
    received,
    close: () => new Promise((done) => socket.close(() => done())),
  }
}

async function listening<T>(
  server: ReturnType<typeof createTcp> | ReturnType<typeof createHttp>,
  received: readonly T[],
): Promise<Receiver<T>> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    port: (server.address() as AddressInfo).port,
    received,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}
