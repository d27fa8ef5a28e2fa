import { expect, it } from 'vitest'
import { AttackSigns } from '../../src/pipeline/attack-signs.ts'
import { FlowBatchBuilder } from '../../src/schema/flow-batch.ts'

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
