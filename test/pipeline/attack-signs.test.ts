import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { AttackSigns } from '../../src/pipeline/attack-signs.ts'
import { evaluate, train } from '../../src/pipeline.ts'
import { FlowBatchBuilder } from '../../src/schema/flow-batch.ts'
import { connLog } from './conn-log.ts'

/** Benign flows of ten devices, one a second, with `attack` unanswered flows of one device to one target at the end. */
function warnings(attack: number): string[] {
  const signs = new AttackSigns()
  const builder = new FlowBatchBuilder(2000 + attack)
  for (let i = 0; i < 2000; i++) {
    builder.add({
      ts: i,
      orig_h: `10.0.0.${i % 10}`,
      resp_h: `52.0.0.${i % 7}`,
      resp_p: 443,
      proto: 6,
      conn_state: 'SF',
      orig_bytes: 500,
      resp_bytes: 2000,
    })
  }
  for (let i = 0; i < attack; i++) {
    builder.add({
      ts: 2000 + i / 100,
      orig_h: '10.0.0.1',
      resp_h: '9.9.9.9',
      resp_p: 80,
      proto: 6,
      conn_state: 'S0',
      orig_bytes: 0,
      resp_bytes: 0,
    })
  }
  signs.add(builder.finish())
  return signs.warnings()
}

it('warns of a second population that looks like a flood, and not of ordinary traffic', () => {
  expect(warnings(0)).toEqual([])
  expect(warnings(350)).toEqual([])
  expect(warnings(3000)).toEqual([
    expect.stringMatching(/^54 % of the training flows look like attacks \(2701 flows like a flood/),
  ])
})

it('leaves a dense attack out of training, its first flows too, and keeps the rest', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'motewatch-signs-'))
  try {
    const benign = connLog({ flows: 3000, seed: 1, attack: false })
    const [head, line] = [benign.split('\n').slice(0, 6), benign.split('\n')[6]!.split('\t')]
    const flood = Array.from({ length: 4000 }, (_, i) => {
      const row = [...line]
      row[0] = (1_700_005_000 + i / 50).toFixed(6)
      row[1] = `F${i}`
      row[2] = '192.168.1.2'
      row[4] = '203.0.113.9'
      row[5] = '80'
      return row.join('\t')
    })
    const path = join(dir, 'flooded.log')
    writeFileSync(path, `${benign.trimEnd()}\n${flood.join('\n')}\n`)
    expect(head).toHaveLength(6)
    const { bundles } = await train([path], { model: 'lof', workers: 1 })
    const { rows, warnings } = bundles[0]!.summary
    expect(rows).toMatchObject({ seen: 7000, fitted: 3000 })
    expect(warnings.join()).toMatch(/look like attacks .* 4000 flows were left out/)
    const { ensemble } = await evaluate([path], bundles, { workers: 1 })
    expect(ensemble.falseAlarmRate).toBeGreaterThan(0.5)
  } finally {
    rmSync(dir, { recursive: true })
  }
})

it('takes answers seen one way only for what they are, and searches for what they are', () => {
  /** NetFlow without the other direction: `from` of a service's port, or of a scanner's, to ever other ports. */
  const oneWay = (from: number, to: (i: number) => number) => {
    const signs = new AttackSigns()
    const builder = new FlowBatchBuilder(3000)
    for (let i = 0; i < 3000; i++) {
      builder.add({
        ts: i,
        orig_h: '8.8.4.4',
        orig_p: from,
        resp_h: '10.0.0.1',
        resp_p: to(i),
        proto: 17,
        orig_pkts: 1,
        orig_bytes: 90,
        resp_pkts: 0,
        resp_bytes: 0,
      })
    }
    signs.add(builder.finish())
    return signs.warnings().join()
  }
  expect(oneWay(443, (i) => 32_768 + ((i * 7919) % 28_000))).toBe('')
  expect(oneWay(8883, (i) => 49_152 + (i % 16_000))).toBe('')
  expect(oneWay(51_000, (i) => 1 + (i % 900))).toMatch(/port scan/)
})
