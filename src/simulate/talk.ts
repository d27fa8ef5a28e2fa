import type { Random } from '../kernels/random.ts'
import type { Conversation } from './conversation.ts'
import { daily, every, type Rhythm, sometimes } from './rhythm.ts'
import type { Host, World } from './world.ts'

/** Who talks, where, and from when to when. */
export interface Scene {
  readonly world: World
  readonly host: Host
  readonly random: Random
  readonly start: number
  readonly end: number
}

/** What a device says on one occasion at time `t`: its conversations in order of time. */
export type Talk = (scene: Scene, t: number) => Iterable<Conversation>

/** Something a device does over time: its conversations in order of time. */
export type Behaviour = (scene: Scene) => Generator<Conversation>

/** Talks at the given times; occasions may overlap, the conversations still come in order of time. */
export function at(times: (scene: Scene) => Iterable<number>, talk: Talk): Behaviour {
  return function* (scene) {
    let waiting: Conversation[] = []
    for (const t of times(scene)) {
      const due = waiting.filter((c) => c.ts < t)
      if (due.length > 0) {
        yield* due
        waiting = waiting.filter((c) => c.ts >= t)
      }
      for (const c of talk(scene, t)) if (c.ts < scene.end) waiting.push(c)
      waiting.sort((a, b) => a.ts - b.ts)
    }
    yield* waiting
  }
}

/** Every `interval` seconds, ± `jitter` (a share of it). */
export function regularly(interval: number, jitter: number, talk: Talk): Behaviour {
  return at((s) => every(s.random, s.start, s.end, interval, jitter), talk)
}

/** By chance, `perHour` times an hour while the rhythm is 1. */
export function byChance(perHour: number, rhythm: Rhythm, talk: Talk, apart = 1): Behaviour {
  return at((s) => sometimes(s.random, s.start, s.end, perHour, rhythm, apart), talk)
}

/** Once a day, at `hour` plus up to `spread` hours. */
export function onceADay(hour: number, spread: number, talk: Talk): Behaviour {
  return at((s) => daily(s.random, s.start, s.end, hour, spread), talk)
}
