import type { Random } from '../kernels/random.ts'
import { ATTACKS } from './attacks/all.ts'
import type { AttackCourse } from './attacks/attack.ts'
import { randomFor } from './choices.ts'
import { FAULTS } from './faults/all.ts'
import { type Incident, placeWithin } from './incident.ts'
import { type ActiveFault, usualDeviation } from './readings.ts'
import type { World } from './world.ts'

/** What shall happen: the part of the simulation's options that is about incidents. */
interface IncidentPlan {
  readonly attacks: readonly string[]
  readonly faults: readonly string[]
  readonly quiet: number
}

/** Kinds whose devices get infected first: those that nobody looks after. */
const INFECTABLE = new Set([
  'camera',
  'plug',
  'hub',
  'tv',
  'thermostat',
  'printer',
  'hmi',
  'historian',
  'plc',
])

/** Which device commits which attack when, and how; incidents are numbered from 1. */
export function planAttacks(
  world: World,
  options: IncidentPlan,
): { incident: Incident; course: AttackCourse }[] {
  const random = randomFor(world.seed, 'attacks')
  const likely = world.hosts.filter((h) => INFECTABLE.has(h.kind.name))
  const hosts = shuffled(random, likely.length > 0 ? likely : world.hosts)
  const attacks = shuffled(
    random,
    options.attacks.map((name) => ATTACKS.find((a) => a.name === name)!),
  )
  const times = placeWithin(
    random,
    quietUntil(world, options),
    world.end,
    attacks.map((a) => a.duration(random)),
  )
  return attacks.map((attack, i) => {
    const host = hosts[i % hosts.length]!
    const { start, end } = times[i]!
    const course = attack.course({
      world,
      host,
      random: randomFor(world.seed, 'attack', i),
      start,
      end,
    })
    return {
      course,
      incident: {
        id: i + 1,
        kind: 'attack',
        type: attack.name,
        variant: course.variant,
        device: host.mac,
        device_name: host.name,
        address: host.ip,
        start,
        end,
        label: 'Malicious',
        detailed_label: course.detailed_label,
        targets: course.targets,
        description: `${host.name} ${course.description}`,
      },
    }
  })
}

/** Which sensor suffers which fault when; the numbers follow those of `attacks` attacks. */
export function planFaults(
  world: World,
  options: IncidentPlan,
  attacks: number,
): { incident: Incident; active: ActiveFault }[] {
  const random = randomFor(world.seed, 'faults')
  const hosts = shuffled(
    random,
    world.hosts.filter((h) => h.kind.metrics),
  )
  if (hosts.length === 0) return []
  const from = quietUntil(world, options)
  const faults = options.faults.map((name) => FAULTS.find((f) => f.name === name)!)
  // Each device takes its faults one after the other; different devices may fail at the same time.
  return hosts
    .flatMap((host, h) => {
      const own = faults.map((fault, i) => ({ fault, i })).filter(({ i }) => i % hosts.length === h)
      const times = placeWithin(
        random,
        from,
        world.end,
        own.map(({ fault }) => fault.duration(random)),
      )
      return own.map(({ fault, i }, k) => {
        const choices = host.kind.metrics!.filter((m) => m.sensor)
        const metric = choices[random.int(choices.length)]!
        const { start, end } = times[k]!
        const course = fault.course(metric, usualDeviation(metric), randomFor(world.seed, 'fault', i))
        const id = attacks + i + 1
        const incident: Incident = {
          id,
          kind: 'fault',
          type: fault.name,
          variant: metric.name,
          device: host.name,
          device_name: host.name,
          address: host.ip,
          start,
          end,
          label: 'Malicious',
          detailed_label: fault.name,
          targets: [],
          description: `${host.name}: ${course.description}`,
        }
        return {
          incident,
          active: { incident: id, type: fault.name, metric: metric.name, start, end, course },
        }
      })
    })
    .sort((a, b) => a.incident.id - b.incident.id)
}

function quietUntil(world: World, options: IncidentPlan): number {
  return world.start + options.quiet * (world.end - world.start)
}

function shuffled<T>(random: Random, values: readonly T[]): T[] {
  return Array.from(random.sample(values.length, values.length), (i) => values[i]!)
}
