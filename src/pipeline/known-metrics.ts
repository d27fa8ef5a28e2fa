import { InputError, type ReadReport } from '../adapters/read-report.ts'
import type { Batch } from '../schema/reading-batch.ts'
import type { ModelBundle } from '../store/model-bundle.ts'

/** Metrics that each model learned. */
const learnedBy = new WeakMap<ModelBundle, readonly string[]>()

function metricsOf(bundle: ModelBundle): readonly string[] {
  let learned = learnedBy.get(bundle)
  if (!learned) {
    learned = [...new Set(bundle.space.specs.flatMap(({ metric }) => metric ?? []))]
    learnedBy.set(bundle, learned)
  }
  return learned
}

/**
 * Another table must not look like a table full of anomalies.
 *
 * @throws InputError when a batch of readings has none of the metrics that the model learned
 */
export function expectKnownMetrics(batch: Batch, bundle: ModelBundle, source: string): void {
  if (batch.kind !== 'readings') return
  const learned = metricsOf(bundle)
  if (learned.length > 0 && !learned.some((metric) => batch.metrics.has(metric))) {
    throw new InputError(
      `${source} has ${list([...batch.metrics.keys()])}, but the readings model learned ${list(learned)}; ` +
        `train on data of the same kind: \`motewatch train --input ${source}\``,
    )
  }
}

/** Compares the metrics of whole sources with those a model learned. */
export class KnownMetrics {
  readonly #learned: readonly string[]
  readonly #seen = new Map<string, Set<string>>()

  constructor(bundles: readonly ModelBundle[]) {
    this.#learned = bundles.filter(({ kind }) => kind === 'readings').flatMap(metricsOf)
  }

  add(batch: Batch, source: string): void {
    if (batch.kind !== 'readings') return
    let seen = this.#seen.get(source)
    if (!seen) {
      seen = new Set()
      this.#seen.set(source, seen)
    }
    for (const metric of batch.metrics.keys()) seen.add(metric)
  }

  /** Notes the learned metrics that a whole source lacks: their absence counts against each of its readings. */
  note(reports: readonly ReadReport[]): void {
    for (const report of reports) {
      const seen = this.#seen.get(report.source)
      const missing = seen ? this.#learned.filter((metric) => !seen.has(metric)) : []
      if (missing.length > 0) {
        report.note(
          `has no ${list(missing)}, which the model learned: every reading counts as lacking it; ` +
            'train on data without it when that is normal',
        )
      }
    }
  }
}

/** 'a, b, c and 4 more'. */
function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  if (names.length === 0) return 'no metric'
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}
