import { between, size } from '../choices.ts'
import { answers, says, type Turn } from '../conversation.ts'
import * as mqtt from '../protocols/mqtt.ts'
import { clientHello, serverHello } from '../protocols/tls.ts'
import type { Scene, Talk } from '../talk.ts'
import { server } from '../world.ts'
import { connect, neighbours } from './connect.ts'
import { lookup } from './network.ts'

/** How an MQTT client keeps its connection. */
export interface MqttPlan {
  /** Seconds between pings while nothing else is said. */
  readonly keepAlive: number
  /** Seconds between published messages; 0 = none. */
  readonly publishEvery: number
  /** Shortest and longest connection in seconds. */
  readonly session: readonly [number, number]
  /** Median bytes of a message. */
  readonly message: number
}

function turnsOf(scene: Scene, plan: MqttPlan): Turn[] {
  const { host, random } = scene
  const seconds = between(random, ...plan.session)
  const topic = `${host.site.name}/${host.name}/telemetry`
  const turns = [
    says(mqtt.mqttConnect(host.name, plan.keepAlive)),
    answers(mqtt.mqttConnack),
    says(mqtt.mqttSubscribe(`${host.site.name}/${host.name}/set`)),
    answers(mqtt.mqttSuback),
  ]
  const step = plan.publishEvery || plan.keepAlive
  for (let t = step; t < seconds; t += step) {
    const pause = step * between(random, 0.97, 1.03)
    if (plan.publishEvery > 0) {
      const payload = '{"value":'.padEnd(size(random, plan.message, 0.08), '0')
      turns.push(says(mqtt.mqttPublish(topic, payload), pause))
    } else turns.push(says(mqtt.mqttPing, pause), answers(mqtt.mqttPong))
  }
  turns.push(says(mqtt.mqttDisconnect, 1))
  return turns
}

/** A session with a broker on the Internet, as smart plugs keep one. */
export function mqttCloud(name: string, plan: MqttPlan, encrypted: boolean): Talk {
  return function* (scene, t) {
    const peer = server(scene.host, name, scene.random)
    const ts = yield* lookup(scene, t, name, peer)
    const turns = turnsOf(scene, plan)
    // Within TLS every message gains a record header and a tag; the content is hidden.
    const hidden = turns.map((turn) => ({ from: turn.from, after: turn.after, bytes: turn.bytes + 29 }))
    const seed = scene.random.uint32()
    const handshake = [says(clientHello(name, seed)), answers(serverHello(seed), 0, 2900), says(93)]
    yield* connect(scene, ts, peer, {
      ...(encrypted
        ? { port: 8883, service: 'ssl', turns: [...handshake, ...hidden] }
        : { port: 1883, service: 'mqtt', turns }),
      rtt: peer.rtt,
    })
  }
}

/** A session with the plant's own broker, which runs on the historian; with the gateway where there is none. */
export function mqttLocal(plan: MqttPlan): Talk {
  return (scene, t) => {
    const broker = neighbours(scene.host, 'historian')[0] ?? scene.host.site.gateway
    const turns = turnsOf(scene, plan)
    return connect(scene, t, broker, { port: 1883, service: 'mqtt', turns, rtt: 0.0015 })
  }
}
