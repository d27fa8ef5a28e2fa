import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Questions, TooManyQuestions } from '../../src/jobs/questions.ts'
import { InlineDetector, type Outcome } from '../../src/live/inline.ts'
import { QuestionReader } from '../../src/live/inline-question.ts'
import { Engine } from '../../src/pipeline/engine.ts'
import { OptionError } from '../../src/pipeline/options.ts'
import { train } from '../../src/pipeline.ts'
import { Busy } from '../../src/store/errors.ts'
import { bundleToBuffer } from '../../src/store/model-bundle.ts'
import { SharedModels } from '../../src/store/shared-models.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { readingsFile, sampleReadings } from '../api/readings.ts'
import { tinyModel } from '../store/tiny-model.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-questions-'))
let store: Store
let models: SharedModels
let asking: Questions | undefined
const threads: Worker[] = []
const noteThread = (worker: Worker) => threads.push(worker)

const log = {
  warn: (...what: unknown[]) => {
    throw new Error(JSON.stringify(what))
  },
}
const questions = () => {
  asking = new Questions({ store, models, local: undefined, log, threads: 1 })
  return asking
}

beforeAll(async () => {
  process.on('worker', noteThread)
  store = await openStore(join(folder, 'questions.db'))
  models = new SharedModels(store.models)
  const { bundles } = await train([readingsFile(folder, 900)], { model: 'both', workers: 1 })
  for (const bytes of [new Uint8Array(bundleToBuffer(bundles[0]!)), await tinyModel('flows')]) {
    await store.models.activate((await store.models.add(bytes, 'test')).id)
  }
})
afterEach(async () => {
  await asking?.close()
  threads.length = 0
})
afterAll(async () => {
  process.off('worker', noteThread)
  await store.close()
  rmSync(folder, { recursive: true })
})

/** Readings after those that the models learned from, one of them hot; a question is 25 KB. */
function question(seed: number, more: object = {}): Buffer {
  const readings = sampleReadings(100, seed, Date.UTC(2025, 2, 6, 8))
  readings[57] = { ...readings[57]!, temperature: 500 }
  return Buffer.from(JSON.stringify({ readings, store: false, ...more }))
}
const flows = Buffer.from(
  JSON.stringify({
    flows: Array.from({ length: 100 }, (_, i) => ({
      ts: 1_741_300_166 + i,
      orig_h: `192.168.1.${1 + (i % 9)}`,
      orig_p: 50_000 + i,
      resp_h: '203.0.113.56',
      resp_p: 443,
      proto: 'tcp',
      orig_bytes: i * 1e6,
    })),
  }),
)
const wrong = question(1, {
  readings: Array.from({ length: 100 }, (_, i) => ({
    id: 'a device without a time, or a number',
    n: `${i}`,
  })),
})

const told = (outcome: Outcome) =>
  outcome && 'answer' in outcome ? Buffer.from(outcome.answer).toString() : outcome

async function here(): Promise<InlineDetector> {
  const detector = new InlineDetector(undefined)
  detector.learn({ models: await models.files(), state: undefined })
  return detector
}

describe('questions with many records', () => {
  it('get the same bytes from whichever thread', async () => {
    const all = [1, 2, 3].map((seed) => question(seed))
    all.push(question(4, { model: 'lof', threshold: 0.2 }), flows, wrong, question(5, { threshold: 2 }))
    const alone = await here()
    const expected: unknown[] = []
    for (const each of all) expected.push(told(await alone.answer(each)))
    expect(expected[0]).toContain('"record":57')
    expect(expected[5]).toMatchObject({ kind: 'readings', wrong: expect.arrayContaining([]) })
    expect(expected[6]).toBeUndefined()
    const many = questions()
    // So many at once that the thread has more to do than it takes, before and after it has started.
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all([...all, ...all, ...all].map((each) => many.ask(each)))
      expect(answers.map(told)).toEqual([...expected, ...expected, ...expected])
    }
    // And one at a time, which only the thread answers.
    for (const [i, each] of all.entries()) expect(told(await many.ask(each))).toEqual(expected[i])
    expect(threads).toHaveLength(1)
  })

  it('hand over what is to be stored', async () => {
    const many = questions()
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, () => many.ask(question(1, { store: true }))),
    )
    for (const outcome of outcomes) {
      if (!outcome || 'wrong' in outcome) throw new Error('expected an answer')
      const lines = Buffer.from(outcome.toStore!).toString().split('\n')
      expect(lines.map((line) => JSON.parse(line))).toEqual(JSON.parse(question(1).toString()).readings)
    }
  })

  it('fail the same on every thread', async () => {
    const many = questions()
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => many.ask(question(1, { model: 'autoencoder' }))),
    )
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(OptionError) })
      expect((result as PromiseRejectedResult).reason.message).toContain('train with --model autoencoder')
    }
  })

  it('are refused when too many wait, and the others answered', async () => {
    const many = questions()
    const results = await Promise.allSettled(Array.from({ length: 520 }, () => many.ask(wrong)))
    const refused = results.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    expect(refused).toHaveLength(20)
    for (const { reason } of refused) expect(reason).toBeInstanceOf(TooManyQuestions)
    await expect(many.ask(wrong)).resolves.toMatchObject({ kind: 'readings' })
  })

  it('are never left without an answer when a thread dies; another takes over', async () => {
    const many = questions()
    const expected = told(await many.ask(question(1)))
    const asked = Promise.allSettled(Array.from({ length: 12 }, () => many.ask(question(1))))
    await new Promise((resolve) => setImmediate(resolve))
    await threads[0]!.terminate()
    const results = await asked
    for (const result of results) {
      if (result.status === 'fulfilled') expect(told(result.value)).toEqual(expected)
      else expect(result.reason).toBeInstanceOf(Busy)
    }
    const failed = results.filter(({ status }) => status === 'rejected')
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.length).toBeLessThanOrEqual(2)
    expect(told(await many.ask(question(1)))).toEqual(expected)
    expect(threads.length).toBeGreaterThan(1)
  })

  it('are answered or told to ask again when the service stops', async () => {
    const many = questions()
    const asked = Promise.allSettled(Array.from({ length: 12 }, () => many.ask(question(1))))
    await new Promise((resolve) => setImmediate(resolve))
    await many.close()
    for (const result of await asked) {
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(Busy)
    }
    await expect(many.ask(question(1))).rejects.toBeInstanceOf(Busy)
  })

  it('tell of devices that the models did not learn, and of records from before they learned', async () => {
    const detector = await here()
    const notes = async (text: string) =>
      JSON.parse(`${told(await detector.answer(Buffer.from(text)))}}`).notes
    const known = question(1).toString()
    expect(await notes(known)).toEqual([])
    expect(await notes(known.replaceAll('device1', 'pump'))).toEqual([
      'pump is no device that the models learned: it is compared with what is normal for others',
    ])
    let i = 0
    expect(await notes(known.replaceAll(/device\d/g, () => `pump${i++ % 5}`))).toEqual([
      'pump0, pump1, pump2 and 2 more are no devices that the models learned: they are compared with what is normal for others',
    ])
    expect(await notes(known.replaceAll('2025-03-06', '2024-03-06'))).toEqual([
      expect.stringMatching(/^the records begin before 2025-03-06T.*, the end of training/),
    ])
    expect(await notes(flows.toString())).toEqual([expect.stringContaining('192.168.1.1, 192.168.1.3')])
  })

  it('are compared with what live detection saved, and judged by the models that are active', async () => {
    const many = questions()
    const before = told(await many.ask(question(1)))
    const engine = new Engine((await models.active()).bundles, {})
    const meet = new QuestionReader().read(question(9))
    if (!meet || 'wrong' in meet) throw new Error('expected readings')
    await engine.process(meet.batch, 'api')
    const state = new Uint8Array(engine.save())
    await engine.close()
    await store.engines.save('live', { seq: 1, models: '', state })
    const alone = new InlineDetector(undefined)
    const shared = new Uint8Array(new SharedArrayBuffer(state.length))
    shared.set(state)
    alone.learn({ models: await models.files(), state: shared })
    const after = told(await alone.answer(question(1)))
    expect(after).not.toEqual(before)
    const now = async () => told(await many.ask(question(1)))
    await expect.poll(now, { timeout: 5000 }).toEqual(after)
    await store.models.activate((await store.models.add(await tinyModel('readings'), 'test')).id)
    await expect.poll(now, { timeout: 5000 }).toContain('"models":["isolation-forest","surprise"]')
  })
})
