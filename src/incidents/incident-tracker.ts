import type { Anomaly } from '../schema/anomaly.ts'
import type { Incident } from '../schema/incident.ts'
import { Recent, type RecentEntries } from '../schema/recent.ts'
import { IncidentBuilder, type SavedIncident } from './incident-builder.ts'

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

/** All that a tracker knows. */
export interface TrackerState {
  readonly open: RecentEntries<number, SavedIncident>
  readonly done: readonly SavedIncident[]
  readonly leftOut: number
}

/** Gathers anomalies by their `incident` while they stream by, in bounded memory. */
export class IncidentTracker {
  readonly #open = new Recent<number, IncidentBuilder>(MOST_OPEN, (builder) => this.#close(builder))
  #done: IncidentBuilder[] = []
  #leftOut = 0
  /** Those that changed since {@link changed} was last asked; undefined = any may have. */
  #changed: Set<IncidentBuilder> | undefined

  add(anomalies: readonly Anomaly[]): void {
    for (const anomaly of anomalies) {
      const id = anomaly.incident
      let builder = this.#open.get(id)
      if (!builder) {
        builder = IncidentBuilder.begin(anomaly)
        this.#open.set(id, builder)
      }
      builder.add(anomaly)
      this.#changed?.add(builder)
    }
    // Nobody asks: better told too many later than remembered now.
    if (this.#changed && this.#changed.size > MOST_OPEN) this.#changed = undefined
  }

  /**
   * The incidents that began or changed since this was last asked, as they stand, in the order in which they changed
   * first; all that are kept when it is asked for the first time.
   */
  changed(): Incident[] {
    const builders = this.#changed ?? [...this.#done, ...this.#open.values()]
    this.#changed = new Set()
    return [...builders].map((builder) => builder.finish())
  }

  /** All of it; what it refers to is not copied. */
  save(): TrackerState {
    const { old, young } = this.#open.save()
    const saved = (entries: [number, IncidentBuilder][]) =>
      entries.map(([id, builder]): [number, SavedIncident] => [id, builder.save()])
    return {
      open: { old: saved(old), young: saved(young) },
      done: this.#done.map((builder) => builder.save()),
      leftOut: this.#leftOut,
    }
  }

  /** @param state what {@link save} gave; becomes the tracker's own */
  restore({ open, done, leftOut }: TrackerState): void {
    const restored = (entries: readonly [number, SavedIncident][]) =>
      entries.map(([id, saved]): [number, IncidentBuilder] => [id, IncidentBuilder.restore(saved)])
    this.#open.restore({ old: restored(open.old), young: restored(open.young) })
    this.#done = done.map((saved) => IncidentBuilder.restore(saved))
    this.#leftOut = leftOut
    this.#changed = undefined
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
