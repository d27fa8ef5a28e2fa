import { between, chance, whole } from '../choices.ts'
import { answers, type Conversation, conversation, says } from '../conversation.ts'
import { dnsAnswer, dnsQuery } from '../protocols/dns.ts'
import type { Scene } from '../talk.ts'
import { tlsTurns } from '../talks/web.ts'
import { endpoint, ephemeralPort } from '../world.ts'
import type { Attack } from './attack.ts'

/**
 * Carrying data away. `bulk`: a few long uploads over TLS to an address never used before (MITRE ATT&CK
 * T1048). `dns`: the data in the names of DNS queries, through the site's own resolver (T1071.004; Born & Gustafson
 * 2010, Detecting DNS tunnels): names near the limit of 63 letters a label, many a minute.
 */
export const exfiltration: Attack = {
  name: 'exfiltration',
  duration: (random) => between(random, 600, 3600),
  course(scene) {
    const { random, host } = scene
    const dns = chance(random, 0.3)
    const target = dns ? host.site.gateway.ip : `203.0.113.${whole(random, 1, 254)}`
    return {
      variant: dns ? 'dns' : 'bulk',
      detailed_label: 'DataExfiltration',
      targets: [target],
      description: dns ? 'hides data in the names of DNS queries' : `uploads many megabytes to ${target}`,
      conversations: dns ? tunnel(scene) : uploads(scene, target),
    }
  },
}

function* uploads(scene: Scene, target: string): Generator<Conversation> {
  const { host, random, start, end } = scene
  const count = whole(random, 4, 9)
  for (let i = 0; i < count; i++) {
    yield conversation({
      ts: start + ((end - start) * (i + random.float() * 0.5)) / count,
      orig: endpoint(host),
      resp: { ip: target, mac: host.site.gateway.mac },
      orig_p: ephemeralPort(host),
      resp_p: 443,
      proto: 6,
      service: 'ssl',
      turns: tlsTurns(scene, 'files.a7c1.example', { up: 9_000_000, down: 400, spread: 0.5 }),
      rtt: 0.09,
      rate: 2e6,
      loss: host.loss,
      seed: random.uint32(),
    })
  }
}

function* tunnel({ host, random, start, end }: Scene): Generator<Conversation> {
  const pause = between(random, 0.8, 3)
  for (let t = start; t < end; t += pause * between(random, 0.5, 1.5)) {
    const letters = (n: number) => Array.from({ length: n }, () => random.int(36).toString(36)).join('')
    const name = `${letters(60)}.${letters(60)}.${letters(whole(random, 20, 50))}.t.a7c1.example`
    const id = random.int(65536)
    yield conversation({
      ts: t,
      orig: endpoint(host),
      resp: host.site.gateway,
      orig_p: ephemeralPort(host),
      resp_p: 53,
      proto: 17,
      service: 'dns',
      turns: [says(dnsQuery(id, name, false)), answers(dnsAnswer(id, name, false, ['203.0.113.1']))],
      rtt: 0.07,
      seed: random.uint32(),
    })
  }
}
