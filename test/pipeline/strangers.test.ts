import { expect, it } from 'vitest'
import { Engine } from '../../src/pipeline/engine.ts'
import { train } from '../../src/pipeline.ts'
import { type FlowBatch, FlowBatchBuilder } from '../../src/schema/flow-batch.ts'
import { type SimulationOptions, simulate } from '../../src/simulate/simulation.ts'
import { someReadings, sourceOf } from './some-data.ts'

const FAST = { model: 'isolation-forest', workers: 1 } as const

it('readings of devices that the models do not know are not told, and those of others as ever', async () => {
  const { bundles } = await train(sourceOf(someReadings(1500)), FAST)
  const batch = someReadings(1500, { seed: 2, faults: true })
  const all = new Engine(bundles)
  const some = new Engine(bundles, { knows: (_, device) => device !== 'sensor-0' })
  const { anomalies: told, evidence, combined } = await all.process(batch, 'test')
  const known = await some.process(batch, 'test')
  expect(told.some(({ device }) => device === 'sensor-0')).toBe(true)
  expect(known.anomalies.map(({ record }) => record)).toEqual(
    told.filter(({ device }) => device !== 'sensor-0').map(({ record }) => record),
  )
  expect(known.scored).toBe(1000)
  expect([...known.strange!].slice(0, 4)).toEqual([1, 0, 0, 1])
  // They are not even scored, which takes most of the time.
  const ofKnown = (values: Float64Array) => values.map((x, i) => (known.strange![i] ? Number.NaN : x))
  expect(known.combined).toEqual(ofKnown(combined))
  expect(known.evidence).toEqual(evidence.map(ofKnown))
  await Promise.all([all.close(), some.close()])
})

function flowsOf(options: SimulationOptions): FlowBatch {
  const flows = [...simulate({ devices: 14, hours: 12, ...options }).flows()]
  const builder = new FlowBatchBuilder(flows.length)
  for (const { label: _, detailed_label: __, ...flow } of flows) builder.add(flow)
  return builder.finish()
}

it('of the flows of unknown devices attacks are told and nothing else', async () => {
  const { bundles } = await train(sourceOf(flowsOf({ seed: 1 })), { model: 'both', workers: 1 })
  const batch = flowsOf({ seed: 2, attacks: ['scan', 'beacon', 'flood'], quiet: 0 })
  const all = new Engine(bundles)
  const none = new Engine(bundles, { knows: () => false })
  const told = (await all.process(batch, 'test')).anomalies
  const attacks = (await none.process(batch, 'test')).anomalies
  expect(told.length).toBeGreaterThan(attacks.length)
  expect(attacks.length).toBeGreaterThan(50)
  expect(attacks).toEqual(told.filter(({ type }) => ['port scan', 'brute force', 'flood'].includes(type)))
  expect(none.incidents().reduce((sum, { count }) => sum + count, 0)).toBe(attacks.length)
  await Promise.all([all.close(), none.close()])
})

it('devices that were only met are judged with what they did then', async () => {
  const { bundles } = await train(sourceOf(someReadings(1500, { from: -40_000 })), FAST)
  const [before, after] = [someReadings(900), someReadings(600, { seed: 2, faults: true, from: 18_000 })]
  const [judging, meeting, without] = [new Engine(bundles), new Engine(bundles), new Engine([])]
  await judging.process(before, 'test')
  expect(await meeting.meet(before)).toMatchObject({ firstRecord: 0, batch: { length: 900 } })
  const evidence = async (engine: Engine) => (await engine.peek(after, 'test')).combined
  expect(await evidence(meeting)).toEqual(await evidence(judging))
  expect(meeting.deviceState('sensor-1').seen).toBe(800)
  // As it is before there is any model.
  await without.meet(before)
  const later = new Engine(bundles)
  later.restore(without.save())
  expect(later.deviceState('sensor-1').seen).toBe(300)
  await Promise.all([judging, meeting, without, later].map((engine) => engine.close()))
})
