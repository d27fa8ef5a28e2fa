import { between, whole } from '../choices.ts'
import { answers, type Conversation, says } from '../conversation.ts'
import { httpRequest, httpResponse, rtspRequest, rtspResponse } from '../protocols/text-protocols.ts'
import type { Scene, Talk } from '../talk.ts'
import { connect, neighbours } from './connect.ts'
import { https } from './web.ts'

/** What the devices of a home say to each other. */

/** Somebody looks at a camera of the home: RTSP with the video interleaved (RFC 2326, section 10.12). */
export const watchCamera: Talk = function* (scene, t) {
  const { host, random } = scene
  const cameras = neighbours(host, 'camera')
  if (cameras.length === 0) return
  const camera = cameras[random.int(cameras.length)]!
  const url = `rtsp://${camera.ip}:554/stream1`
  const sdp = 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=live\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n'
  const turns = ['OPTIONS', 'DESCRIBE', 'SETUP', 'PLAY'].flatMap((method, i) => [
    says(rtspRequest(method, url, i + 1)),
    answers(rtspResponse(i + 1, method === 'DESCRIBE' ? sdp : ''), 0.01),
  ])
  for (let second = whole(random, 8, 60); second > 0; second--) {
    turns.push(answers(Uint8Array.of(0x24, 0, 0x05, 0xa0), 0.8, whole(random, 24000, 60000)))
  }
  turns.push(says(rtspRequest('TEARDOWN', url, 5), 0.2), answers(rtspResponse(5)))
  yield* connect(scene, t, camera, { port: 554, service: 'rtsp', turns, rtt: 0.004, rate: 4e5 })
}

/** A phone app switches the lights through the hub's HTTP interface. */
export const switchLights: Talk = function* (scene, t) {
  const [hub] = neighbours(scene.host, 'hub')
  if (!hub) return
  let ts = t
  for (let i = whole(scene.random, 1, 5); i > 0; i--) {
    const body = whole(scene.random, 20, 60)
    const turns = [
      says(httpRequest('PUT', hub.ip, '/api/a1b2c3/lights/3/state', 'lights-app/4.2', body), 0, 0, body),
      answers(httpResponse('200 OK', 'application/json', 64), 0.03, 0, 64),
    ]
    yield* connect(scene, ts, hub, { port: 80, service: 'http', turns, rtt: 0.004, closing: 'fin-resp' })
    ts += between(scene.random, 0.4, 4)
  }
}

/** Prints some pages over IPP (HTTP on port 631, RFC 8010). */
export const print: Talk = function* (scene, t) {
  const { host, random } = scene
  const [printer] = neighbours(host, 'printer')
  if (!printer) return
  const bytes = whole(random, 80_000, 1_500_000)
  const turns = [
    says(httpRequest('POST', printer.ip, '/ipp/print', 'CUPS/2.4', bytes), 0, 0, bytes),
    answers(httpResponse('200 OK', 'application/ipp', 180), 0.4, 0, 180),
  ]
  yield* connect(scene, t, printer, { port: 631, service: 'http', turns, rtt: 0.005, rate: 1.2e6 })
}

/**
 * Looks for a printer by trying the printing port of a few addresses: a benign little scan, as
 * installers and scanners of office software do it.
 */
export const findPrinter: Talk = function* (scene, t): Generator<Conversation> {
  const { host, random } = scene
  const targets = host.site.hosts.filter((h) => h !== host).slice(0, 10)
  let ts = t
  for (const target of targets) {
    const turns = [says(40), answers(30)]
    const known = target.kind.name === 'printer'
    const [c] = connect(scene, ts, target, {
      port: 9100,
      service: '',
      turns,
      rtt: 0.003,
      closing: 'fin-orig',
    })
    if (c) yield known ? c : { ...c, opening: 'refused', service: '', turns: [] }
    ts += between(random, 0.05, 0.4)
  }
}

/** Watches films: every few minutes a connection that brings some megabytes. */
export function stream(name: string, minutes: readonly [number, number], bytes: number): Talk {
  return function* (scene: Scene, t: number) {
    const { random } = scene
    const until = t + 60 * between(random, ...minutes)
    for (let ts = t; ts < until; ts += between(random, 120, 300)) {
      const volume = { up: 1400, down: bytes / 4, exchanges: 4, pause: 20, rate: 3e6, spread: 0.5 }
      yield* https(name.replace('#', String(whole(random, 1, 9))), volume)(scene, ts)
    }
  }
}
