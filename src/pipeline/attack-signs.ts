import { classifyFlow } from '../anomalies/classify.ts'
import { FlowHistory } from '../anomalies/flow-evidence.ts'
import { stringAt } from '../schema/dictionary.ts'
import type { FlowBatch } from '../schema/flow-batch.ts'

/** Share of the training flows that must look like an attack to be worth a warning. */
const SHARE = 0.05
/** Flows of one device to one peer in two minutes that no ordinary device makes. */
const FLOOD = 300

/**
 * Looks for attacks in training data without labels: a model would learn them as normal. The signs are those
 * by which anomalies are named: many targets without an answer, guessed logins, very many flows to one target.
 */
export class AttackSigns {
  readonly #history = new FlowHistory()
  readonly #flows = new Map<string, number>()
  #seen = 0

  add(batch: FlowBatch): void {
    this.#seen += batch.length
    for (let i = 0; i < batch.length; i++) {
      const evidence = this.#history.add(batch, i)
      const type = classifyFlow(evidence, [])
      const sure =
        type === 'port scan' || type === 'brute force' || (type === 'flood' && evidence.withPeer >= FLOOD)
      if (!sure) continue
      const key = `${type} by ${batch.device ? stringAt(batch.device, i) : 'a device'}`
      this.#flows.set(key, (this.#flows.get(key) ?? 0) + 1)
    }
  }

  /** What to tell the user; empty when nothing is suspicious. */
  warnings(): string[] {
    const total = [...this.#flows.values()].reduce((a, b) => a + b, 0)
    if (!(total > SHARE * this.#seen)) return []
    const worst = [...this.#flows].sort((a, b) => b[1] - a[1]).slice(0, 3)
    const share = ((100 * total) / this.#seen).toPrecision(2)
    const what = worst.map(([key, n]) => `${n} flows like a ${key}`).join(', ')
    return [
      `${share} % of the training flows look like attacks (${what}) and were learned as normal; train on a time without them, or with --benign where rows are labelled`,
    ]
  }
}
