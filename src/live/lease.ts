import { isDeadHere, newOwner } from '../store/owner.ts'
import type { Repositories, Store } from '../store/store.ts'

/** Seconds for which a holder that says nothing keeps it. */
const TERM = 15

interface Held {
  /** See {@link newOwner}. */
  readonly owner: string
  /** Seconds since the epoch. */
  readonly until: number
}

/** Sees to it that one of any number of processes does a work: kept in the database, and checked in each write. */
export class Lease {
  readonly #store: Store
  readonly #key: string
  readonly #owner = newOwner()
  #until = 0

  constructor(store: Store, name: string) {
    this.#store = store
    this.#key = `lease ${name}`
  }

  /** Takes it, or holds it longer; false while somebody else has it. */
  async hold(): Promise<boolean> {
    const now = Date.now() / 1000
    if (this.#until - now > TERM / 2) return true
    const held = await this.#store.transaction(async (tx) => {
      await this.#lock(tx)
      const holder = await tx.meta.get<Held>(this.#key)
      const free = !holder || holder.owner === this.#owner || holder.until < now || isDeadHere(holder.owner)
      if (free) await tx.meta.set(this.#key, { owner: this.#owner, until: now + TERM } satisfies Held)
      return free
    })
    this.#until = held ? now + TERM : 0
    return held
  }

  /**
   * Call in every transaction of the work.
   *
   * @throws LeaseLost when somebody else has it by now
   */
  async check(tx: Repositories): Promise<void> {
    await this.#lock(tx)
    const holder = await tx.meta.get<Held>(this.#key)
    if (holder?.owner === this.#owner) return
    this.#until = 0
    throw new LeaseLost()
  }

  async release(): Promise<void> {
    if (this.#until === 0) return
    this.#until = 0
    await this.#store.transaction(async (tx) => {
      await this.#lock(tx)
      const holder = await tx.meta.get<Held>(this.#key)
      if (holder?.owner === this.#owner) await tx.meta.set(this.#key, { owner: '', until: 0 } satisfies Held)
    })
  }

  /** Locks its row until the transaction ends, so that two never take it at once. */
  async #lock({ db }: Repositories): Promise<void> {
    await db
      .insertInto('meta')
      .values({ key: this.#key, value: JSON.stringify({ owner: '', until: 0 }) })
      .onConflict((c) => c.column('key').doUpdateSet((eb) => ({ value: eb.ref('meta.value') })))
      .execute()
  }
}

/** The work was given to another process, which took this one for dead. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'

  constructor() {
    super('another process does this work by now')
  }
}
