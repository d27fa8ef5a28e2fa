import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { fieldsOf } from '../../src/anomalies/fields.ts'
import { FlowBatchBuilder } from '../../src/schema/flow-batch.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Megabytes of objects and texts in use. */
function megabytes(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external) / 2 ** 20
}

it('keeps texts of its own, not the columns that they were cut out of', () => {
  const before = megabytes()
  const kept = Array.from({ length: 50 }, (_, k) => {
    const column = Buffer.alloc(1 << 20, 97 + (k % 26)).toString('latin1')
    const builder = new FlowBatchBuilder(1)
    builder.add({ ts: k, uid: column.slice(k, k + 18), orig_h: '10.0.0.1', resp_h: '10.0.0.2', proto: 6 })
    return fieldsOf(builder.finish(), 0)
  })
  // The columns are 50 MB; what made them is collected a little later.
  expect(megabytes() - before).toBeLessThan(35)
  expect(kept.map(({ uid }) => uid)).toEqual(
    kept.map((_, k) => String.fromCharCode(97 + (k % 26)).repeat(18)),
  )
})
