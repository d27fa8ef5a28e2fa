import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readFlows } from '../../src/adapters/read.ts'
import { openSink } from '../../src/output/sink.ts'
import { flowWriter } from '../../src/output/writers.ts'
import { stringAt } from '../../src/schema/dictionary.ts'
import {
  FLOW_FLOAT_COLUMNS,
  FLOW_OPTIONAL_STRING_COLUMNS,
  FLOW_STRING_COLUMNS,
  type FlowBatch,
} from '../../src/schema/flow-batch.ts'
import { sharedData } from '../shared-data.ts'
import { flows, fullFlow } from './sample.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-zeek-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Every column as plain values; times to the microsecond that Zeek writes. */
function plain(batch: FlowBatch): Record<string, unknown> {
  const rows = Array.from({ length: batch.length }, (_, i) => i)
  return Object.fromEntries([
    ...FLOW_FLOAT_COLUMNS.map((c) => [c, rows.map((i) => Math.round(batch[c][i]! * 1e6) / 1e6)]),
    ...FLOW_STRING_COLUMNS.map((c) => [c, rows.map((i) => stringAt(batch[c], i))]),
    ...FLOW_OPTIONAL_STRING_COLUMNS.map((c) => [c, rows.map((i) => (batch[c] ? stringAt(batch[c], i) : ''))]),
    ...(['orig_p', 'resp_p', 'proto'] as const).map((c) => [c, [...batch[c]]]),
  ])
}

async function thereAndBack(batch: FlowBatch): Promise<FlowBatch> {
  const path = join(folder, 'conn.log')
  const writer = await flowWriter('zeek', openSink(path))
  await writer.write(batch)
  await writer.close()
  return readFlows(path)
}

describe('a conn.log written by us', () => {
  it('is read back to the same flows', async () => {
    const batch = flows(
      fullFlow,
      { orig_h: 'fe80::1', resp_h: 'ff02::1', proto: 58, orig_p: 135, resp_p: 0 },
      { orig_h: '10.0.0.1', resp_h: '10.0.0.2', proto: 47, ts: 1 },
      { proto: 1, service: 'a\tb\\c' },
      {
        ...fullFlow,
        proto: 6,
        label: 'malicious',
        detailed_label: 'DDoS',
        orig_l2_addr: '00:17:88:aa:bb:01',
      },
    )
    expect(plain(await thereAndBack(batch))).toEqual(plain(batch))
  })

  const log = sharedData('iot23/4-1/conn.log.labeled')
  it.skipIf(!log)('is, also for a real log', async () => {
    const batch = await readFlows(log!)
    expect(batch.length).toBe(452)
    expect(plain(await thereAndBack(batch))).toEqual(plain(batch))
  })
})
