import { between, chance, whole } from '../choices.ts'
import { answers, type Conversation, conversation, says, type Turn } from '../conversation.ts'
import * as lines from '../protocols/text-protocols.ts'
import type { Scene } from '../talk.ts'
import { endpoint, ephemeralPort, randomAddress } from '../world.ts'
import type { Attack } from './attack.ts'

/**
 * Guessing passwords. `telnet` goes through default credentials as Mirai's list of 62 does (Antonakakis 2017,
 * table 5), three tries a connection; `ssh` makes one connection for a few tries after the key exchange.
 * The targets are neighbours of the infected device or hosts on the Internet found open before (T1110).
 */
export const bruteforce: Attack = {
  name: 'bruteforce',
  duration: (random) => between(random, 300, 1500),
  course(scene) {
    const { host, random } = scene
    const ssh = chance(random, 0.5)
    const neighbours = host.site.hosts.filter((h) => h !== host)
    const local = neighbours.length > 0 && chance(random, 0.5)
    const target = local
      ? endpoint(neighbours[random.int(neighbours.length)]!)
      : { ip: randomAddress(random), mac: host.site.gateway.mac }
    return {
      variant: ssh ? 'ssh' : 'telnet',
      detailed_label: 'BruteForce',
      targets: [target.ip],
      description: `guesses ${ssh ? 'SSH' : 'telnet'} passwords of ${target.ip}`,
      conversations: guesses(scene, target, ssh, local ? 0.002 : 0.09),
    }
  },
}

function* guesses(
  { host, random, start, end }: Scene,
  target: { ip: string; mac: string },
  ssh: boolean,
  rtt: number,
): Generator<Conversation> {
  for (let t = start; t < end; t += between(random, 1, 4)) {
    yield conversation({
      ts: t,
      orig: endpoint(host),
      resp: target,
      orig_p: ephemeralPort(host),
      resp_p: ssh ? 22 : 23,
      proto: 6,
      service: ssh ? 'ssh' : 'telnet',
      turns: ssh
        ? sshTries(whole(random, 2, 5), () => between(random, 0.3, 1.5))
        : telnetTries(3, () => between(random, 0.4, 1.2)),
      closing: chance(random, 0.7) ? 'fin-resp' : 'rst-orig',
      rtt,
      seed: random.uint32(),
    })
  }
}

function telnetTries(tries: number, pause: () => number): Turn[] {
  const turns = [answers(lines.telnetHello), says(lines.telnetAgree), answers(lines.telnetLogin, 0.1)]
  for (let i = 0; i < tries; i++) {
    turns.push(says(lines.line(['root', 'admin', 'guest'][i % 3]!), 0.05), answers(lines.telnetPassword))
    turns.push(
      says(lines.line(['xc3511', 'vizxv', '888888'][i % 3]!), 0.05),
      answers(lines.telnetIncorrect, pause()),
    )
  }
  return turns
}

function sshTries(tries: number, pause: () => number): Turn[] {
  const turns = [
    says(lines.sshClient),
    answers(lines.sshServer),
    says(1400),
    answers(1080),
    says(48),
    answers(720),
  ]
  turns.push(says(64, 0.01), answers(52))
  for (let i = 0; i < tries; i++) turns.push(says(148, 0.02), answers(84, pause()))
  return turns
}
