import { classifyFlow } from '../anomalies/classify.ts'
import { FlowHistory } from '../anomalies/flow-evidence.ts'
import { stringAt } from '../schema/dictionary.ts'
import type { FlowBatch } from '../schema/flow-batch.ts'

/** Share of the training flows that must look like an attack to be worth a warning. */
const SHARE = 0.05
/** Flows of one device to one peer in two minutes that no ordinary device makes. */
const FLOOD = 300
/** Conversations remembered as attacks. */
const MOST_CONVERSATIONS = 100_000

/** Of each row: whether it looks like an attack by itself, and a number for who talks with whom on which port. */
export interface Suspicion {
  readonly marks: Float64Array
  readonly conversations: Float64Array
}

/**
 * Looks for attacks in training data without labels: a model would learn them as normal. The signs are those
 * by which anomalies are named: many targets without an answer, guessed logins, very many flows to one target.
 */
export class AttackSigns {
  readonly #history = new FlowHistory()
  readonly #flows = new Map<string, number>()
  /** Conversations with a flood or guessed logins: their first flows look like any others. */
  readonly #attacked = new Set<number>()
  #seen = 0

  add(batch: FlowBatch): Suspicion {
    this.#seen += batch.length
    const marks = new Float64Array(batch.length)
    const conversations = new Float64Array(batch.length)
    for (let i = 0; i < batch.length; i++) {
      const evidence = this.#history.add(batch, i)
      const device = batch.device ? stringAt(batch.device, i) : 'a device'
      conversations[i] = hash(`${device} ${evidence.peer} ${evidence.port}`)
      const type = classifyFlow(evidence, [])
      const sure =
        type === 'port scan' || type === 'brute force' || (type === 'flood' && evidence.withPeer >= FLOOD)
      if (!sure) continue
      marks[i] = 1
      if (type !== 'port scan' && this.#attacked.size < MOST_CONVERSATIONS) {
        this.#attacked.add(conversations[i]!)
      }
      const key = `${type} by ${device}`
      this.#flows.set(key, (this.#flows.get(key) ?? 0) + 1)
    }
    return { marks, conversations }
  }

  /** Whether the signs are too many for ordinary traffic. */
  get dense(): boolean {
    return this.#total > SHARE * this.#seen
  }

  /** Whether a row is an attack, as far as is known now. */
  attacks(mark: number, conversation: number): boolean {
    return mark === 1 || this.#attacked.has(conversation)
  }

  /**
   * What to tell the user; empty when nothing is suspicious.
   *
   * @param leftOut training rows that are not learned from because of it
   */
  warnings(leftOut = 0): string[] {
    if (!this.dense) return []
    const worst = [...this.#flows].sort((a, b) => b[1] - a[1]).slice(0, 3)
    const share = ((100 * this.#total) / this.#seen).toPrecision(2)
    const what = worst.map(([key, n]) => `${n} flows like a ${key}`).join(', ')
    const done =
      leftOut > 0
        ? `${leftOut} flows were left out; what else belongs to the attacks was learned as normal`
        : 'they were learned as normal'
    return [
      `${share} % of the training flows look like attacks (${what}): ${done}; train on a time without attacks, or with --benign where rows are labelled`,
    ]
  }

  get #total(): number {
    let total = 0
    for (const flows of this.#flows.values()) total += flows
    return total
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}
