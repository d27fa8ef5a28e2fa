import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { InputError } from '../adapters/read-report.ts'
import { WorkerPool } from '../kernels/worker-pool.ts'
import { ModelFormatError } from '../models/buffer.ts'
import { Engine, type Met } from '../pipeline/engine.ts'
import type { Anomaly } from '../schema/anomaly.ts'
import type { Batch } from '../schema/reading-batch.ts'
import { openDatabase } from '../store/database.ts'
import { LEARNING } from '../store/devices.ts'
import type { JournalEntry } from '../store/journal.ts'
import { modelsThrough } from '../store/shared-models.ts'
import { Store } from '../store/store.ts'
import { Findings } from './findings.ts'
import type { FollowerNews, FollowerOrder } from './follower.ts'
import { Knowledge } from './knowledge.ts'
import { isUnderWay, Learning } from './learning.ts'
import { Lease, LeaseLost } from './lease.ts'
import { choices } from './own-models.ts'

/** The thread that scores what was accepted, in the order of the journal. */

const NAME = 'live'
/** Milliseconds between two looks at an empty journal. */
const LOOK = 50
/** Journal entries taken at a time. */
const PORTION = 20
/** Milliseconds between two saved states; longer where saving takes longer, so that it takes a twentieth at most. */
const SAVE = 5000
const SAVE_SHARE = 20
/** Milliseconds between two looks at which models are active. */
const MODELS = 1000

const { url, local, models: modelsPort } = workerData as FollowerOrder
const port = parentPort!
const store = new Store(openDatabase(url))
const models = modelsThrough(modelsPort)
const lease = new Lease(store, NAME)
let stopping = false
port.on('message', () => {
  stopping = true
})

/** An engine that goes on where the last saved state ends. */
class Following {
  readonly signature: string
  /** What people chose, see {@link choices}. */
  readonly chosen: string
  readonly #engine: Engine
  readonly #learning: Learning
  readonly #findings = new Findings()
  /** Devices whose state has to be told, with whether the models know them; the last state told. */
  readonly #touched = new Map<string, boolean>()
  readonly #states = new Map<string, number>()
  #seq: number
  #saved: number
  #saveAt = Date.now() + SAVE

  private constructor(
    engine: Engine,
    learning: Learning,
    about: { signature: string; chosen: string; seq: number },
  ) {
    const { signature, chosen, seq } = about
    this.#engine = engine
    this.#learning = learning
    this.signature = signature
    this.chosen = chosen
    this.#seq = seq
    this.#saved = seq
  }

  static async begin(): Promise<Following> {
    const chosen = await choices(store)
    const { signature, bundles } = await models.active()
    // This thread alone: the others answer requests meanwhile, and each more would cost 100 MB.
    const pool = new WorkerPool(1)
    const active = (await store.models.list()).filter((model) => model.active === 1)
    const learning = await Learning.load(store, active)
    const { knows } = new Knowledge(bundles, learning.bySample)
    const engine = new Engine(bundles, { pool, knows, ...(local ? { local } : {}) })
    const saved = await store.engines.load(NAME)
    if (saved) {
      try {
        engine.restore(Uint8Array.from(saved.state).buffer)
      } catch (error) {
        if (!(error instanceof ModelFormatError)) throw error
        tell({ warning: error.message })
      }
    }
    const following = new Following(engine, learning, { signature, chosen, seq: saved?.seq ?? 0 })
    for (const name of await store.devices.learning()) {
      if (learning.isLearned(name)) following.#touched.set(name, true)
    }
    return following
  }

  /** Scores what is next in the journal; the number of entries. */
  async next(): Promise<number> {
    const entries = await store.journal.after(this.#seq, PORTION)
    for (const entry of entries) {
      await this.#score(entry)
      this.#seq = entry.seq
      if (stopping) break
    }
    if (Date.now() >= this.#saveAt) await this.save()
    return entries.length
  }

  async #score({ seq, source, batch }: JournalEntry): Promise<void> {
    const { strange, anomalies, ...met } = await this.#judge(batch, source)
    const incidents = this.#engine.incidents()
    await store.transaction(async (tx) => {
      await lease.check(tx)
      await this.#findings.keep(tx, seq, { ...met, anomalies }, incidents)
    })
    this.#learning.add(met.batch, strange, anomalies.length)
    this.#touch(met.batch, strange)
  }

  async #judge(batch: Batch, source: string): Promise<Judged> {
    try {
      return await this.#engine.process(batch, source)
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      // There is no model for this kind of data, or one of other metrics.
      const met = await this.#engine.meet(batch)
      return { ...met, anomalies: [], strange: new Uint8Array(batch.length).fill(1) }
    }
  }

  #touch({ device }: Batch, strange: Uint8Array | undefined): void {
    if (!device) return
    const seen = new Map<number, boolean>()
    device.codes.forEach((code, i) => {
      seen.set(code, strange?.[i] !== 1)
    })
    for (const [code, known] of seen) this.#touched.set(device.values[code]!, known)
  }

  /** Saves the state and forgets the journal up to there. */
  async save(): Promise<void> {
    if (this.#seq === this.#saved && this.#touched.size === 0) return
    const began = Date.now()
    const state = new Uint8Array(this.#engine.save())
    const seq = this.#seq
    const begun = await store.transaction(async (tx) => {
      await lease.check(tx)
      await keepStates(tx, this.#newStates())
      await tx.engines.save(NAME, { seq, models: this.signature, state })
      await tx.journal.trim(seq)
      return this.#learning.save(tx, store)
    })
    for (const { kind, job } of begun) tell({ info: `job ${job} learns what is normal for your own ${kind}` })
    this.#saved = seq
    this.#touched.clear()
    this.#saveAt = Date.now() + Math.max(SAVE, SAVE_SHARE * (Date.now() - began))
  }

  /** Devices whose number of records left to learn is another than the one told last. */
  #newStates(): Map<string, number> {
    const changed = new Map<string, number>()
    for (const [name, known] of this.#touched) {
      const left = known ? this.#engine.deviceState(name).learning : LEARNING
      if (this.#states.get(name) === left) continue
      changed.set(name, left)
      this.#states.set(name, left)
    }
    return changed
  }

  close(): Promise<void> {
    return this.#engine.close()
  }
}

/** What came of a batch, judged or not. */
interface Judged extends Met {
  readonly anomalies: readonly Anomaly[]
  readonly strange?: Uint8Array | undefined
}

async function keepStates(
  tx: Parameters<Parameters<Store['transaction']>[0]>[0],
  states: Map<string, number>,
) {
  const ids = await tx.devices.ensure(states.keys())
  await tx.devices.learned([...states].map(([name, learning]) => ({ id: ids.get(name)!, learning })))
  await tx.events.append(
    [...states].map(([name, learning]) => ({
      type: 'device',
      deviceId: ids.get(name)!,
      data: { id: ids.get(name)!, device: name, learning },
    })),
  )
}

const told = new Set<string>()

/** Each thing once: what is wrong with one batch is wrong with the thousand that follow. */
function tell(news: FollowerNews): void {
  const key = JSON.stringify(news)
  if (told.has(key)) return
  if (told.size > 1000) told.clear()
  told.add(key)
  port.postMessage(news)
}

let following: Following | undefined
let looked = 0
while (!stopping) {
  try {
    if (!(await lease.hold())) {
      await sleep(MODELS)
      continue
    }
    if (Date.now() - looked >= MODELS) {
      looked = Date.now()
      const [signature, chosen] = await Promise.all([store.models.signature(), choices(store)])
      // Without any model there is nothing to judge with, but devices to be learned; the sample's first wait for theirs.
      const waits = signature === '' && (await isUnderWay(store, 'first-start'))
      const isOther = signature !== following?.signature || chosen !== following.chosen
      if (following && (waits || isOther)) {
        await following.save()
        await following.close()
        following = undefined
      }
      if (!following && !waits) following = await Following.begin()
    }
    const entries = following ? await following.next() : 0
    if (entries === 0) await sleep(LOOK)
  } catch (error) {
    // A lost lease, a full disk, a database that went away: begin again from what is saved.
    if (!(error instanceof LeaseLost)) tell({ error: (error as Error).message })
    await following?.close()
    following = undefined
    looked = 0
    await sleep(MODELS)
  }
}
try {
  await following?.save()
  await lease.release()
} catch (error) {
  if (!(error instanceof LeaseLost)) tell({ error: (error as Error).message })
}
await following?.close()
await store.close()
port.close()
