import { between, chance, size, whole } from '../choices.ts'
import { answers, type Conversation, says, type Turn } from '../conversation.ts'
import { httpRequest, httpResponse } from '../protocols/text-protocols.ts'
import { applicationData, clientHello, serverHello } from '../protocols/tls.ts'
import type { Scene, Talk } from '../talk.ts'
import { server } from '../world.ts'
import { connect } from './connect.ts'
import { lookup } from './network.ts'

/** Median bytes sent and received of one exchange, how many there are on a connection, and how far apart. */
export interface Volume {
  readonly up: number
  readonly down: number
  readonly exchanges?: number
  /** Seconds between exchanges. */
  readonly pause?: number
  /** Bytes a second of long transfers. */
  readonly rate?: number
  /** How widely sizes vary (sigma of the log-normal). */
  readonly spread?: number
}

/** The turns of a TLS connection to `name`: handshake, then exchanges of application data. */
export function tlsTurns(scene: Scene, name: string, volume: Volume): Turn[] {
  const { random } = scene
  const seed = random.uint32()
  const certificates = 2400 + ((name.length * 97) % 1900)
  const turns = [
    says(clientHello(name, seed)),
    answers(serverHello(seed), 0, certificates),
    says(93),
    answers(51),
  ]
  for (let i = 0; i < (volume.exchanges ?? 1); i++) {
    const up = size(random, volume.up, volume.spread ?? 0.15)
    const down = size(random, volume.down, volume.spread ?? 0.25)
    const pause = i === 0 ? 0 : (volume.pause ?? 1) * between(random, 0.7, 1.3)
    turns.push(says(applicationData(up), pause, up + 29), answers(applicationData(down), 0.005, down + 29))
  }
  turns.push(says(31, 0.05))
  return turns
}

/** An HTTPS connection to a service on the Internet. */
export function https(name: string, volume: Volume, port = 443): Talk {
  return function* (scene, t) {
    const peer = server(scene.host, name, scene.random)
    const ts = yield* lookup(scene, t, name, peer)
    const turns = tlsTurns(scene, name, volume)
    yield* connect(scene, ts, peer, {
      port,
      service: 'ssl',
      turns,
      rtt: peer.rtt,
      rate: volume.rate ?? 2.5e6,
    })
  }
}

/** A plain HTTP request to a service on the Internet. */
export function http(name: string, path: string, volume: Volume): Talk {
  return function* (scene, t) {
    const { host, random } = scene
    const peer = server(host, name, random)
    const ts = yield* lookup(scene, t, name, peer)
    const down = size(random, volume.down, volume.spread ?? 0.2)
    const turns = [
      says(httpRequest('GET', name, path, host.kind.name)),
      answers(httpResponse('200 OK', 'application/octet-stream', down), 0.01, 0, down),
    ]
    yield* connect(scene, ts, peer, {
      port: 80,
      service: 'http',
      turns,
      rtt: peer.rtt,
      rate: volume.rate ?? 2.5e6,
    })
  }
}

/** Looks at a web page: several names, several connections each, within a few seconds. */
export const browseTheWeb: Talk = function* (scene, t) {
  const { random } = scene
  const site = Math.floor(400 * random.float() ** 2.5)
  let ts = t
  for (let i = whole(random, 2, 6); i > 0; i--) {
    const name = i % 2 === 0 ? `www.site-${site}.example` : `cdn-${whole(random, 1, 40)}.content.example`
    const volume = { up: 900, down: 24000, exchanges: whole(random, 1, 4), pause: 3, spread: 1.1 }
    yield* https(name, volume)(scene, ts)
    ts += between(random, 0.05, 1.2)
  }
}

/** Fetches and installs new firmware: a look at the version, then a long download. */
export function updateFirmware(vendor: string, bytes: number): Talk {
  return function* (scene, t): Generator<Conversation> {
    yield* https(`update.${vendor}`, { up: 380, down: 900 })(scene, t)
    const volume = { up: 300, down: bytes, rate: between(scene.random, 4e5, 3e6) }
    const ts = t + between(scene.random, 2, 6)
    const plain = chance(scene.random, 0.3)
    yield* (plain ? http(`dl.${vendor}`, '/firmware.bin', volume) : https(`dl.${vendor}`, volume))(scene, ts)
  }
}
