import { ATTACKS } from './attacks/all.ts'
import type { AttackCourse } from './attacks/attack.ts'
import { randomFor } from './choices.ts'
import type { Conversation } from './conversation.ts'
import { POPULATION } from './devices/population.ts'
import { FAULTS } from './faults/all.ts'
import { flowOf, type SimulatedFlow } from './flow-record.ts'
import type { Incident } from './incident.ts'
import { Merge } from './merge.ts'
import { type Packet, packetsOf } from './packets.ts'
import { planAttacks, planFaults } from './plan-incidents.ts'
import { readingsOf, type SimulatedReading } from './readings.ts'
import { createWorld, type Host } from './world.ts'

export const ATTACK_NAMES: readonly string[] = ATTACKS.map((a) => a.name)
export const FAULT_NAMES: readonly string[] = FAULTS.map((f) => f.name)

/** What to simulate; every field has a default. */
export interface SimulationOptions {
  /** Number of devices, 1–5000; default 20: a home of 12 and a factory of 8. */
  readonly devices?: number
  /** Length in hours, default 24. */
  readonly hours?: number
  /** Attacks, each becomes one incident: names of {@link ATTACK_NAMES}, repeated at will; default none. */
  readonly attacks?: readonly string[]
  /** Sensor faults, likewise: names of {@link FAULT_NAMES}; default none. */
  readonly faults?: readonly string[]
  /** Default 0. The same options give the same bytes. */
  readonly seed?: number
  /** Seconds since the epoch; default Monday 2025-03-03 00:00 UTC. Days and nights are those of UTC. */
  readonly start?: number
  /** Share of the time that stays without incidents at the beginning, 0–1; default 2/3. */
  readonly quiet?: number
}

/** A simulated stretch of time. Every call of its generators starts anew and gives the same again. */
export interface Simulation {
  readonly options: Required<SimulationOptions>
  readonly hosts: readonly Host[]
  readonly incidents: readonly Incident[]
  /** All conversations by start time. */
  conversations(): Generator<Conversation>
  /** Their flow records, by start time. */
  flows(): Generator<SimulatedFlow>
  /** Their packets by time; the yielded object is reused. `onConversation` hears of each one when it begins. */
  packets(onConversation?: (c: Conversation) => void): Generator<Packet>
  /** The readings of all sensors by time. */
  readings(): Generator<SimulatedReading>
}

/** Monday 2025-03-03 00:00 UTC. */
const MONDAY = 1740960000

/**
 * Simulates homes and small factories: everyday traffic and readings, and the attacks and faults asked for.
 * Nothing is kept in memory but what is under way.
 *
 * @throws RangeError for an option out of range or an unknown attack or fault, naming the known ones
 */
export function simulate(options: SimulationOptions = {}): Simulation {
  const full = complete(options)
  const newWorld = () =>
    createWorld(full.seed, POPULATION, full.devices, full.start, full.start + full.hours * 3600)
  const world = newWorld()
  const attacks = planAttacks(world, full)
  const incidents = [
    ...attacks.map((a) => a.incident),
    ...planFaults(world, full, attacks.length).map((f) => f.incident),
  ]

  function* conversations(): Generator<Conversation> {
    // A fresh world: conversations use up ports and fill name caches.
    const fresh = newWorld()
    const merge = new Merge<Conversation>((c) => c.ts)
    fresh.hosts.forEach((host, h) => {
      host.kind.behaviours.forEach((behaviour, b) => {
        const random = randomFor(fresh.seed, 'behaviour', h, b)
        merge.add(behaviour({ world: fresh, host, random, start: fresh.start, end: fresh.end }))
      })
    })
    for (const { course, incident } of planAttacks(fresh, full)) merge.add(labelled(course, incident))
    yield* merge
  }

  return {
    options: full,
    hosts: world.hosts,
    incidents,
    conversations,
    *flows() {
      for (const c of conversations()) yield flowOf(c)
    },
    *packets(onConversation) {
      const underWay = new Merge<Packet>((p) => p.time)
      for (const c of conversations()) {
        const begins = Math.round(c.ts * 1e6)
        while (underWay.nextTime < begins) {
          yield underWay.next!
          underWay.advance()
        }
        onConversation?.(c)
        underWay.add(packetsOf(c))
      }
      yield* underWay
    },
    *readings() {
      const merge = new Merge<SimulatedReading>((r) => r.ts)
      // Courses of faults have memory (a stuck value), so they too begin anew.
      const faults = planFaults(world, full, attacks.length)
      for (const host of world.hosts) {
        const own = faults.filter((f) => f.incident.device === host.name).map((f) => f.active)
        merge.add(readingsOf(world, host, own))
      }
      yield* merge
    },
  }
}

function complete(options: SimulationOptions): Required<SimulationOptions> {
  const full = {
    devices: options.devices ?? 20,
    hours: options.hours ?? 24,
    attacks: options.attacks ?? [],
    faults: options.faults ?? [],
    seed: options.seed ?? 0,
    start: options.start ?? MONDAY,
    quiet: options.quiet ?? 2 / 3,
  }
  const range = (name: 'devices' | 'hours' | 'start' | 'quiet', low: number, high: number) => {
    const value = full[name]
    if (!(value >= low && value <= high)) {
      throw new RangeError(`simulate expects ${name} between ${low} and ${high}, got ${value}`)
    }
  }
  range('devices', 1, 5000)
  range('hours', 0.1, 24 * 366)
  range('start', 0, 4294967295 - 24 * 366 * 3600)
  range('quiet', 0, 0.99)
  if (!Number.isInteger(full.devices)) {
    throw new RangeError(`simulate expects a whole number of devices, got ${full.devices}`)
  }
  if (!Number.isInteger(full.seed))
    throw new RangeError(`simulate expects a whole number as seed, got ${full.seed}`)
  known('attack', full.attacks, ATTACK_NAMES)
  known('fault', full.faults, FAULT_NAMES)
  return full
}

function known(what: string, names: readonly string[], all: readonly string[]): void {
  const wrong = names.find((n) => !all.includes(n))
  if (wrong !== undefined)
    throw new RangeError(`simulate knows the ${what}s ${all.join(', ')}; got "${wrong}"`)
}

function* labelled(course: AttackCourse, incident: Incident): Generator<Conversation> {
  for (const c of course.conversations) {
    yield { ...c, label: 'Malicious', detailed_label: course.detailed_label, incident: incident.id }
  }
}
