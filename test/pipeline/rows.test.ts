import { describe, expect, it } from 'vitest'
import { benignRows, isBenign, pickRows } from '../../src/pipeline/rows.ts'
import { stringAt } from '../../src/schema/dictionary.ts'
import { FlowBatchBuilder } from '../../src/schema/flow-batch.ts'
import { ReadingBatchBuilder } from '../../src/schema/reading-batch.ts'

it.each([
  'benign',
  'Benign',
  'BENIGN',
  'BenignTraffic',
  'normal',
  'Normal.',
  '0',
  '-',
  'Background',
  '',
  'flow=Background-UDP',
])('%s is benign', (label) => expect(isBenign(label)).toBe(true))
it.each(['Malicious', 'DDoS', '1', 'attack', 'C&C', 'flow=From-Botnet-V42', 'abnormal', 'true'])(
  '%s is an attack',
  (label) => expect(isBenign(label)).toBe(false),
)

describe('pickRows', () => {
  it('takes the rows of every column of flows', () => {
    const builder = new FlowBatchBuilder(8)
    builder.add({ ts: 1, orig_h: '10.0.0.1', orig_p: 5, proto: 6, label: 'benign' })
    builder.add({ ts: 2, orig_h: '10.0.0.2', orig_p: 6, proto: 17, label: 'Malicious' })
    builder.add({ ts: 3, orig_h: '10.0.0.3', orig_p: 7, proto: 1, label: 'benign' })
    const batch = {
      ...builder.finish(new Map([['10.0.0.1', 'camera']])),
      extra: new Map([['x', Float64Array.of(7, 8, 9)]]),
    }
    const picked = pickRows(batch, Uint32Array.of(2, 0))
    expect(picked.length).toBe(2)
    expect([...picked.ts]).toEqual([3, 1])
    expect([...picked.orig_p]).toEqual([7, 5])
    expect([...picked.proto]).toEqual([1, 6])
    expect(stringAt(picked.orig_h, 0)).toBe('10.0.0.3')
    expect([...picked.extra.get('x')!]).toEqual([9, 7])
    expect(picked.names?.get('10.0.0.1')).toBe('camera')
    expect([...benignRows(batch).ts]).toEqual([1, 3])
  })

  it('takes the rows of every metric of readings', () => {
    const builder = new ReadingBatchBuilder(4)
    builder.add({ ts: 1, device: 'a', metrics: { t: 20 } })
    builder.add({ ts: 2, device: 'b', metrics: { t: 21, h: 40 } })
    const picked = pickRows(builder.finish(), Uint32Array.of(1))
    expect(stringAt(picked.device, 0)).toBe('b')
    expect([...picked.metrics.get('h')!]).toEqual([40])
  })
})
