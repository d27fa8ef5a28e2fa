import { between, whole } from '../choices.ts'
import { answers, says, type Turn } from '../conversation.ts'
import { modbusRead, modbusValues, modbusWrite } from '../protocols/modbus.ts'
import { sshClient, sshServer } from '../protocols/text-protocols.ts'
import { applicationData } from '../protocols/tls.ts'
import type { Talk } from '../talk.ts'
import { connect, neighbours } from './connect.ts'
import { tlsTurns } from './web.ts'

/** Polls each PLC of the site over Modbus/TCP for about `seconds`, every `interval` seconds. */
export function pollControllers(seconds: number, interval: number, registers: number): Talk {
  return function* (scene, t) {
    const { host, random } = scene
    let ts = t
    for (const plc of neighbours(host, 'plc')) {
      const turns: Turn[] = []
      const polls = Math.max(1, Math.round((seconds * between(random, 0.97, 1.0)) / interval))
      for (let i = 0; i < polls; i++) {
        const pause = i === 0 ? 0 : interval * between(random, 0.98, 1.02)
        turns.push(
          says(modbusRead(i & 0xffff, 1, 100, registers), pause),
          answers(modbusValues(i, 1, registers)),
        )
      }
      yield* connect(scene, ts, plc, { port: 502, service: 'modbus', turns, rtt: 0.003, closing: 'fin-orig' })
      ts += 0.4
    }
  }
}

/** An engineer changes set points of a PLC. */
export const writeSetPoints: Talk = function* (scene, t) {
  const { host, random } = scene
  const plcs = neighbours(host, 'plc')
  if (plcs.length === 0) return
  const turns = Array.from({ length: whole(random, 3, 25) }, (_, i) => {
    const write = modbusWrite(i, 1, 200 + i, random.int(4000))
    return [says(write, between(random, 0.05, 1.5)), answers(write)]
  }).flat()
  const plc = plcs[random.int(plcs.length)]!
  yield* connect(scene, t, plc, { port: 502, service: 'modbus', turns, rtt: 0.003 })
}

/** An engineer logs in by SSH to a machine of the plant and works for some minutes. */
export const maintain: Talk = function* (scene, t) {
  const { host, random } = scene
  const machines = neighbours(host, 'historian', 'hmi')
  if (machines.length === 0) return
  const turns = [says(sshClient), answers(sshServer), says(1500), answers(1100), says(600), answers(500)]
  for (let i = whole(random, 10, 60); i > 0; i--) {
    turns.push(says(36 + random.int(80), between(random, 0.3, 12)), answers(36 + random.int(1800), 0.01))
  }
  const machine = machines[random.int(machines.length)]!
  yield* connect(scene, t, machine, { port: 22, service: 'ssh', turns, rtt: 0.001, closing: 'fin-orig' })
}

/** The engineering station reads trends off the historian. */
export const readTrends: Talk = function* (scene, t) {
  const [historian] = neighbours(scene.host, 'historian')
  if (!historian) return
  const turns = tlsTurns(scene, 'historian.plant.example', {
    up: 700,
    down: 60000,
    spread: 0.8,
    exchanges: 2,
  })
  yield* connect(scene, t, historian, { port: 443, service: 'ssl', turns, rtt: 0.001, rate: 8e6 })
}

/** The engineering station backs a PLC program up or loads a new one. */
export const transferProgram: Talk = function* (scene, t) {
  const { host, random } = scene
  const plcs = neighbours(host, 'plc')
  if (plcs.length === 0) return
  const bytes = whole(random, 150_000, 900_000)
  const turns = [says(22), answers(22), says(applicationData(bytes), 0.1, bytes), answers(30)]
  const plc = plcs[random.int(plcs.length)]!
  yield* connect(scene, t, plc, { port: 102, service: '', turns, rtt: 0.004, rate: 3e5 })
}
