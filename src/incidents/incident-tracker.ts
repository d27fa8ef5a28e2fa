import type { Anomaly } from '../schema/anomaly.ts'
import type { Incident } from '../schema/incident.ts'
import { Recent } from '../schema/recent.ts'
import { IncidentBuilder } from './incident-builder.ts'

/** Incidents under way at a time: of which half are sure to be remembered, as many as the grouping remembers. */
const MOST_OPEN = 20_000
/** Incidents kept in full; of more, the ones with least evidence are only counted. */
const MOST_KEPT = 2000

/** What became of a stream of anomalies. */
export interface IncidentSummary {
  /** Most evidence first. */
  readonly incidents: readonly Incident[]
  /** Further incidents, weaker than all of these, that were counted only. */
  readonly leftOut: number
}

/** Gathers anomalies by their `incident` while they stream by, in bounded memory. */
export class IncidentTracker {
  readonly #open = new Recent<number, IncidentBuilder>(MOST_OPEN, (builder) => this.#close(builder))
  #done: IncidentBuilder[] = []
  #leftOut = 0

  add(anomalies: readonly Anomaly[]): void {
    for (const anomaly of anomalies) {
      const id = anomaly.incident
      let builder = this.#open.get(id)
      if (!builder) {
        builder = new IncidentBuilder(anomaly)
        this.#open.set(id, builder)
      }
      builder.add(anomaly)
    }
  }

  finish(): IncidentSummary {
    const all = [...this.#done, ...this.#open.values()].sort((a, b) => b.evidence - a.evidence)
    const incidents = all.slice(0, MOST_KEPT).map((builder) => builder.finish())
    return { incidents, leftOut: this.#leftOut + all.length - incidents.length }
  }

  /** Ends an incident that was quiet for long. */
  #close(builder: IncidentBuilder): void {
    this.#done.push(builder)
    if (this.#done.length < 2 * MOST_KEPT) return
    this.#done = this.#done.sort((a, b) => b.evidence - a.evidence).slice(0, MOST_KEPT)
    this.#leftOut += MOST_KEPT
  }
}
