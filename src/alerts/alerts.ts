import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import { AlertRows, type Delivery } from '../store/alerts.ts'
import type { Store } from '../store/store.ts'
import { decideNext, PLACE, rulesToSummarise, summariseAll } from './decide.ts'
import { type Message, testMessage } from './message.ts'
import type { Rule, RuleIn, Target } from './rule.ts'
import { columns, keyed, ruleOf, withSecrets } from './stored-rule.ts'
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
  /** Milliseconds between looks at whether quiet hours are over. */
  readonly look?: number
  /** Seconds since the epoch. */
  readonly now?: () => number
  readonly onError?: (error: unknown) => void
}

/** Over half a day a receiver may be away. */
const BACKOFF = [10, 60, 300, 1800, 7200, 21_600, 21_600]
const TIMEOUT = 10_000
/** Deliveries at a time. */
const AT_ONCE = 4
/** Milliseconds between looks at what is due. */
const TICK = 1000
/** Milliseconds between looks at whether quiet hours are over. */
const LOOK = 15_000

/** Follows the incidents, keeps an alert for each that a rule is about, and sends it until it has arrived. */
export class Alerts {
  readonly #options: AlertsOptions
  readonly #rows: AlertRows
  readonly #now: () => number
  #stopTail = () => {}
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #following = Promise.resolve()
  #sending: Promise<void> = Promise.resolve()
  #wake = new AbortController()

  constructor(options: AlertsOptions) {
    this.#options = options
    this.#rows = new AlertRows(options.store.db)
    this.#now = options.now ?? (() => Date.now() / 1000)
  }

  async start(): Promise<void> {
    const { store, onError, look = LOOK } = this.#options
    const last = await store.events.last()
    // The first start of all: what was before is nobody's news.
    await store.db
      .insertInto('meta')
      .values({ key: PLACE, value: JSON.stringify(last) })
      .onConflict((c) => c.column('key').doNothing())
      .execute()
    await this.#follow()
    await this.#summarise()
    this.#timer = setInterval(() => {
      this.#following = this.#following.then(() => this.#summarise())
    }, look)
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
    clearInterval(this.#timer)
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
      while (!this.#stopped && (await store.transaction((tx) => decideNext(tx, this.#now())))) {}
      this.#wake.abort()
    } catch (error) {
      onError?.(error)
    }
  }

  /** Tells what was kept back in quiet hours that are over. */
  async #summarise(): Promise<void> {
    const { store, onError } = this.#options
    try {
      // A look first: a transaction takes the database's one lock.
      const rules = await rulesToSummarise(store, this.#now())
      if (this.#stopped || rules.length === 0) return
      await store.transaction((tx) => summariseAll(rules, tx, this.#now()))
      this.#wake.abort()
    } catch (error) {
      onError?.(error)
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
