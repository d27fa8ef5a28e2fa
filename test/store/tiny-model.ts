import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { train } from '../../src/pipeline.ts'
import { bundleToBuffer, type ModelBundle } from '../../src/store/model-bundle.ts'

/** The bytes of a model, trained in a moment. */
export async function tinyModel(kind: ModelBundle['kind'] = 'readings', seed = 0): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-tiny-'))
  try {
    const file = join(folder, 'records.csv')
    const rows = Array.from({ length: 120 }, (_, i) => row[kind](1_700_000_000 + i * 60, i))
    writeFileSync(file, [columns[kind], ...rows].join('\n'))
    const { bundles } = await train([file], { model: 'isolation-forest', seed, workers: 1 })
    return new Uint8Array(bundleToBuffer(bundles[0]!))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const columns = {
  readings: 'device,timestamp,temperature',
  flows:
    'ts,id.orig_h,id.orig_p,id.resp_h,id.resp_p,proto,duration,orig_bytes,resp_bytes,orig_pkts,resp_pkts',
}
const row = {
  readings: (ts: number, i: number) => `pump,${ts},${20 + Math.sin(i)}`,
  flows: (ts: number, i: number) =>
    `${ts},192.168.1.2,${40_000 + i},93.184.216.34,443,tcp,${1 + (i % 7)},${200 + i},${900 + (i % 50)},${5 + (i % 3)},6`,
}
