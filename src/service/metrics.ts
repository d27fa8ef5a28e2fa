import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Intake } from '../live/intake/intake.ts'
import type { Store } from '../store/store.ts'

/** Upper bounds of the histogram of answers, seconds. */
const ANSWER_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]

/** What Prometheus is told. The names are part of what users build on: see docs/operate.md. */
export class Metrics {
  readonly registry = new Registry()
  readonly requests: Histogram<'method' | 'route' | 'status'>
  readonly refused: Counter<'reason'>

  constructor(store: Store, intake: Intake) {
    const registers = [this.registry]
    collectDefaultMetrics({ register: this.registry })
    this.requests = new Histogram({
      name: 'motewatch_http_request_seconds',
      help: 'Time to answer requests',
      labelNames: ['method', 'route', 'status'],
      buckets: ANSWER_SECONDS,
      registers,
    })
    this.refused = new Counter({
      name: 'motewatch_http_refused_total',
      help: 'Requests refused before they were looked at: unknown caller, forbidden, too many, busy',
      labelNames: ['reason'],
      registers,
    })
    new Gauge({
      name: 'motewatch_jobs',
      help: 'Jobs by state',
      labelNames: ['state'],
      registers,
      async collect() {
        this.reset()
        const rows = await store.db
          .selectFrom('jobs')
          .select(({ fn }) => ['state', fn.countAll<number>().as('n')])
          .where('state', 'in', ['queued', 'running'])
          .groupBy('state')
          .execute()
        for (const state of ['queued', 'running']) this.set({ state }, 0)
        for (const { state, n } of rows) this.set({ state }, Number(n))
      },
    })
    new Counter({
      name: 'motewatch_records_total',
      help: 'Records sent, by what became of them',
      labelNames: ['outcome'],
      registers,
      collect() {
        const { accepted, duplicates, rejected } = intake.state()
        this.reset()
        this.inc({ outcome: 'accepted' }, accepted)
        this.inc({ outcome: 'duplicate' }, duplicates)
        this.inc({ outcome: 'rejected' }, rejected)
      },
    })
    new Gauge({
      name: 'motewatch_intake_waiting_bytes',
      help: 'Bytes of records that wait to be stored',
      registers,
      collect() {
        this.set(intake.state().waitingBytes)
      },
    })
    const seq = async () => {
      const row = await store.db
        .selectFrom('engine_states')
        .select(({ fn }) => fn.min('seq').as('seq'))
        .executeTakeFirst()
      return row?.seq ?? 0
    }
    const backlog = new Gauge({
      name: 'motewatch_detection_backlog_records',
      help: 'Records accepted and not yet looked at by a saved state of detection',
      registers,
    })
    new Gauge({
      name: 'motewatch_detection_lag_seconds',
      help: 'Age of the oldest record of the backlog',
      registers,
      async collect() {
        const { records, oldest } = await store.journal.backlog(await seq())
        backlog.set(records)
        this.set(oldest === null ? 0 : Math.max(0, Date.now() / 1000 - oldest))
      },
    })
  }
}
