import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import { AlertRows, type Delivery, type StoredRule } from '../store/alerts.ts'
import { chunks } from '../store/cursor.ts'
import type { StoredIncident } from '../store/incidents.ts'
import type { Repositories, Store } from '../store/store.ts'
import { keepsQuiet, matches } from './match.ts'
import { type Message, messageOf, testMessage } from './message.ts'
import type { Rule, RuleIn, Target } from './rule.ts'
import { send } from './targets/send.ts'

export interface AlertsOptions {
  readonly store: Store
  /** Whether this machine may be a target. */
  readonly allowLocal: boolean
  /** How the service calls itself, as `motewatch/1.0`. */
  readonly agent: string
  /** Seconds before each further attempt; after the last the delivery has failed. */
  readonly backoff?: readonly number[]
  /** Milliseconds that a receiver has. */
  readonly timeout?: number
  readonly onError?: (error: unknown) => void
}

/** Over half a day a receiver may be away. */
const BACKOFF = [10, 60, 300, 1800, 7200, 21_600, 21_600]
const TIMEOUT = 10_000
/** Deliveries at a time. */
const AT_ONCE = 4
/** Milliseconds between looks at what is due. */
const TICK = 1000
/** Up to where in the events incidents have been looked at. */
const PLACE = 'alerts seq'

/** Follows the incidents, keeps an alert for each that a rule is about, and sends it until it has arrived. */
export class Alerts {
  readonly #options: AlertsOptions
  readonly #rows: AlertRows
  #stopTail = () => {}
  #stopped = false
  #following = Promise.resolve()
  #sending: Promise<void> = Promise.resolve()
  #wake = new AbortController()

  constructor(options: AlertsOptions) {
    this.#options = options
    this.#rows = new AlertRows(options.store.db)
  }

  async start(): Promise<void> {
    const { store, onError } = this.#options
    const last = await store.events.last()
    // The first start of all: what was before is nobody's news.
    await store.db
      .insertInto('meta')
      .values({ key: PLACE, value: JSON.stringify(last) })
      .onConflict((c) => c.column('key').doNothing())
      .execute()
    await this.#follow()
    this.#stopTail = store.events.tail(
      last,
      (events) => {
        if (events.some(({ type }) => type === 'incident')) {
          this.#following = this.#following.then(() => this.#follow())
        }
      },
      onError,
    )
    this.#sending = this.#deliver()
  }

  /** Begins no more deliveries and waits for those under way; the others are sent after the next start. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopTail()
    this.#wake.abort()
    await Promise.all([this.#following, this.#sending])
  }

  async rules(): Promise<Rule[]> {
    return (await this.#rows.rules()).map(ruleOf)
  }

  async rule(id: number): Promise<Rule | undefined> {
    const row = await this.#rows.rule(id)
    return row && ruleOf(row)
  }

  /**
   * Adds a rule; a webhook without a secret gets one.
   *
   * @returns undefined when there is one of that name
   */
  async add(rule: z.output<typeof RuleIn>, by: string): Promise<Rule | undefined> {
    const row = await this.#rows.add({ ...columns({ ...rule, target: keyed(rule.target) }), created_by: by })
    return row && ruleOf(row)
  }

  /** Changes what is given; a secret that is left out stays as long as the receiver is the same. */
  async change(id: number, change: Partial<z.output<typeof RuleIn>>): Promise<Rule | undefined> {
    const before = await this.rule(id)
    if (!before) return undefined
    const target = change.target ? keyed(withSecrets(change.target, before.target)) : before.target
    const row = await this.#rows.change(id, columns({ ...before, ...change, target }))
    return row && ruleOf(row)
  }

  remove(id: number): Promise<boolean> {
    return this.#rows.remove(id)
  }

  deliveries(ruleId: number, limit: number, before?: number): Promise<Delivery[]> {
    return this.#rows.deliveries(ruleId, limit, before)
  }

  /**
   * Sends a message of no consequence at once.
   *
   * @throws Error that says why it did not arrive
   */
  test({ id, name, target }: Rule): Promise<void> {
    return this.#send(target, testMessage({ id, name }), `test-${randomBytes(6).toString('hex')}`)
  }

  /** Looks at the incidents that events tell of, from where the last look ended, in any process. */
  async #follow(): Promise<void> {
    const { store, onError } = this.#options
    try {
      while (!this.#stopped && (await store.transaction((tx) => this.#lookAt(tx)))) {}
      this.#wake.abort()
    } catch (error) {
      onError?.(error)
    }
  }

  /** @returns whether there may be more */
  async #lookAt(tx: Repositories): Promise<boolean> {
    // Written before it is read: two processes never deal with the same events.
    await tx.db
      .updateTable('meta')
      .set((eb) => ({ value: eb.ref('value') }))
      .where('key', '=', PLACE)
      .execute()
    const from = (await tx.meta.get<number>(PLACE)) ?? 0
    const events = await tx.events.after(from)
    if (events.length === 0) return false
    await tx.meta.set(PLACE, events.at(-1)!.seq)
    const ids = events
      .filter(({ type }) => type === 'incident')
      .map(({ data_json }) => (JSON.parse(data_json) as { id: number }).id)
    const incidents = await incidentsOf(tx, [...new Set(ids)])
    if (incidents.length === 0) return true
    const rows = new AlertRows(tx.db)
    for (const rule of (await rows.rules()).map(ruleOf)) {
      if (rule.enabled) await this.#apply(rule, incidents, rows)
    }
    return true
  }

  /** Each incident is told once by a rule, when it first is what the rule is about. */
  async #apply(rule: Rule, incidents: readonly StoredIncident[], rows: AlertRows): Promise<void> {
    const matching = incidents.filter((incident) => matches(rule.match, incident))
    if (matching.length === 0) return
    const known = await rows.dealtWith(
      rule.id,
      matching.map(({ id }) => id),
    )
    for (const incident of matching.filter(({ id }) => !known.has(id))) {
      const { last, heldBack } = await rows.recent(rule.id)
      const quiet = keepsQuiet(rule.limits, incident.confidence, Date.now() / 1000, last)
      await rows.deliver({
        ruleId: rule.id,
        incidentId: incident.id,
        state: quiet ? 'quiet' : 'pending',
        body: messageOf(rule, incident, quiet ? 0 : heldBack),
      })
    }
  }

  async #deliver(): Promise<void> {
    const { timeout = TIMEOUT, onError } = this.#options
    const underWay = new Set<Promise<void>>()
    while (!this.#stopped) {
      try {
        const until = Date.now() / 1000 + (3 * timeout) / 1000
        const delivery = underWay.size < AT_ONCE ? await this.#rows.take(until) : undefined
        if (delivery) {
          const sent = this.#attempt(delivery)
            .catch((error) => onError?.(error))
            .finally(() => underWay.delete(sent))
          underWay.add(sent)
          continue
        }
      } catch (error) {
        onError?.(error)
      }
      const nap = sleep(TICK, undefined, { signal: this.#wake.signal }).catch(() => {})
      await Promise.race([nap, ...underWay])
      if (this.#wake.signal.aborted) this.#wake = new AbortController()
    }
    await Promise.all(underWay)
  }

  async #attempt({ id, rule_id, incident_id, attempts, body_json }: Delivery): Promise<void> {
    const { store, backoff = BACKOFF } = this.#options
    const rule = await this.rule(rule_id)
    if (!rule) return
    if (!rule.enabled) return this.#rows.failed(id, 'the rule was switched off', undefined)
    try {
      await this.#send(rule.target, JSON.parse(body_json) as Message, String(id))
    } catch (error) {
      const wait = backoff[attempts - 1]
      // Receivers that were away together do not come back to everything at once.
      const next = wait === undefined ? undefined : Date.now() / 1000 + wait * (0.8 + 0.4 * Math.random())
      await this.#rows.failed(id, (error as Error).message, next)
      if (next === undefined) await tell('failed', (error as Error).message)
      return
    }
    await this.#rows.delivered(id)
    await tell('delivered', null)

    async function tell(state: string, error: string | null): Promise<void> {
      const data = { id, rule: rule!.name, rule_id, incident_id, state, attempts, error }
      await store.events.append([{ type: 'alert', data }])
    }
  }

  #send(target: Target, message: Message, id: string): Promise<void> {
    const { allowLocal, agent, timeout = TIMEOUT } = this.#options
    return send(target, message, { id, allowLocal, agent, timeout })
  }
}

async function incidentsOf({ db }: Repositories, ids: readonly number[]): Promise<StoredIncident[]> {
  const all: StoredIncident[] = []
  for (const some of chunks(ids)) {
    all.push(...(await db.selectFrom('incidents').selectAll().where('id', 'in', some).execute()))
  }
  return all.sort((a, b) => a.id - b.id)
}

function columns({ name, enabled, match, limits, target }: z.output<typeof RuleIn>) {
  return {
    name,
    enabled: enabled ? 1 : 0,
    match_json: JSON.stringify(match),
    limits_json: JSON.stringify(limits),
    target_json: JSON.stringify(target),
  }
}

function ruleOf({ match_json, limits_json, target_json, enabled, ...row }: StoredRule): Rule {
  return {
    ...row,
    enabled: enabled === 1,
    match: JSON.parse(match_json),
    limits: JSON.parse(limits_json),
    target: JSON.parse(target_json),
  }
}

/** A webhook that has no key gets one. */
function keyed(target: Target): Target {
  return target.kind === 'webhook' && target.secret === undefined
    ? { ...target, secret: randomBytes(32).toString('base64url') }
    : target
}

/** A secret goes with its receiver: who names another one has to know it. */
function withSecrets(now: Target, before: Target): Target {
  if (now.kind === 'webhook' && before.kind === 'webhook' && now.url === before.url) {
    return { ...now, secret: now.secret ?? before.secret }
  }
  if (now.kind === 'email' && before.kind === 'email') {
    const same = now.host === before.host && now.port === before.port && now.user === before.user
    const encrypted = now.security !== 'none'
    return same && encrypted ? { ...now, password: now.password ?? before.password } : now
  }
  return now
}
