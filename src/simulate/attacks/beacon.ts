import { between, chance, pick, size, whole } from '../choices.ts'
import { answers, type Conversation, conversation, says, type Turn } from '../conversation.ts'
import { httpRequest, httpResponse, line } from '../protocols/text-protocols.ts'
import type { Scene } from '../talk.ts'
import { tlsTurns } from '../talks/web.ts'
import { endpoint, ephemeralPort } from '../world.ts'
import type { Attack } from './attack.ts'

/**
 * Reporting to a command-and-control server: the same small exchange again and again, at an interval with some
 * jitter (Cobalt Strike's default is 60 s with 0–30 %; MITRE ATT&CK T1071, T1029). The server moves or is
 * down now and then, so some attempts stay unanswered; IoT-23 34-1 shows 5,065 of them, and an IRC channel
 * as here. The other forms are HTTP and TLS on an odd port.
 */
export const beacon: Attack = {
  name: 'beacon',
  duration: (random) => between(random, 2, 8) * 3600,
  course(scene) {
    const { random } = scene
    const form = pick(random, ['irc', 'http', 'tls'] as const)
    const master = `203.0.113.${whole(random, 1, 254)}`
    const interval = between(random, 30, 180)
    return {
      variant: form,
      detailed_label: 'C&C',
      targets: [master],
      description: `reports to ${master} every ${Math.round(interval)} s`,
      conversations: beacons(scene, form, master, interval),
    }
  },
}

function* beacons(
  scene: Scene,
  form: 'irc' | 'http' | 'tls',
  master: string,
  interval: number,
): Generator<Conversation> {
  const { host, random, start, end } = scene
  const jitter = between(random, 0.02, 0.3)
  const port = { irc: 6667, http: 8080, tls: pick(random, [4443, 8443, 9001]) }[form]
  for (let t = start; t < end; t += interval * between(random, 1 - jitter, 1 + jitter)) {
    const down = chance(random, 0.12)
    yield conversation({
      ts: t,
      orig: endpoint(host),
      resp: { ip: master, mac: host.site.gateway.mac },
      orig_p: ephemeralPort(host),
      resp_p: port,
      proto: 6,
      rtt: 0.14,
      seed: random.uint32(),
      ...(down
        ? { opening: 'ignored' as const }
        : { service: { irc: 'irc', http: 'http', tls: 'ssl' }[form], turns: report(scene, form, master) }),
    })
  }
}

function report(scene: Scene, form: 'irc' | 'http' | 'tls', master: string): Turn[] {
  const { host, random } = scene
  if (form === 'tls') return tlsTurns(scene, 'a7c1.example', { up: 140, down: 90, spread: 0.1 })
  if (form === 'http') {
    const body = size(random, 60, 0.2)
    return [
      says(httpRequest('POST', master, '/gate.php', 'Mozilla/4.0', body), 0, 0, body),
      answers(httpResponse('200 OK', 'text/html', 6), 0.02, 0, 6),
    ]
  }
  const nick = `[${host.kind.name.slice(0, 3)}]${random.int(100000)}`
  return [
    says(line(`NICK ${nick}\r\nUSER x x x :x`)),
    answers(line(`:srv 001 ${nick} :\r\n:srv 376 ${nick} :End of /MOTD`), 0.05),
    says(line('JOIN #army'), 0.2),
    answers(line(`:${nick}!x@h JOIN :#army`)),
    answers(line('PING :srv'), between(random, 2, 5)),
    says(line('PONG :srv')),
  ]
}
