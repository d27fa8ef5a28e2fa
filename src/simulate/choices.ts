import { Random } from '../kernels/random.ts'

/** A generator for one purpose: the same seed and words always give the same one, whatever else is simulated. */
export function randomFor(seed: number, ...words: (string | number)[]): Random {
  return new Random(hash(`${seed}/${words.join('/')}`))
}

/** FNV-1a of a string, 32 bits. */
export function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/** Uniform float in [low, high). */
export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.float()
}

/** Uniform integer in [low, high]. */
export function whole(random: Random, low: number, high: number): number {
  return low + random.int(high - low + 1)
}

export function chance(random: Random, probability: number): boolean {
  return random.float() < probability
}

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.int(values.length)]!
}

/** Exponentially distributed waiting time. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random.float())
}

/**
 * Log-normal size around `median`: file and message sizes have heavy tails
 * (Downey, The structural cause of file size distributions, 2001).
 */
export function size(random: Random, median: number, sigma = 0.5): number {
  return Math.max(1, Math.round(median * Math.exp(sigma * random.normal())))
}
