import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { train } from '../../src/pipeline.ts'
import { bundleToBuffer } from '../../src/store/model-bundle.ts'

/** The bytes of a model for readings, trained in a moment. */
export async function tinyModel(): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-tiny-'))
  try {
    const file = join(folder, 'readings.csv')
    const rows = Array.from({ length: 120 }, (_, i) => `pump,${1_700_000_000 + i * 60},${20 + Math.sin(i)}`)
    writeFileSync(file, ['device,timestamp,temperature', ...rows].join('\n'))
    const { bundles } = await train([file], { model: 'isolation-forest', workers: 1 })
    return new Uint8Array(bundleToBuffer(bundles[0]!))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
