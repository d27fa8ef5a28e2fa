import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'

const folder = join(import.meta.dirname, '..', '..', 'examples')

const temporary = mkdtempSync(join(tmpdir(), 'motewatch-examples-'))
afterAll(() => rmSync(temporary, { recursive: true }))

/** What each example must have shown. */
const EXPECTED: Readonly<Record<string, RegExp>> = {
  'flows-from-pcap.ts': /packets = \d+ used \+ 0 rejected\n[\s\S]*sent \d+ bytes[\s\S]*written to /,
  'models-only.ts':
    /^(?:(isolation-forest|lof|autoencoder): ROC AUC (0\.9\d+|1\.000)\n.*\n.*trip: true\n){3}$/,
  'readings.ts': /^2000 readings[\s\S]*pump at minute 70\d/,
  'train-and-detect.ts': /learned flows from[\s\S]*x port scan by /,
}

describe.concurrent('examples', () => {
  it.each(readdirSync(folder))('%s runs', async (name) => {
    // From the sources: the built package need not be there or up to date.
    const args = ['--conditions=motewatch-source', join(folder, name)]
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      env: { ...process.env, TMPDIR: temporary },
    })
    expect(stdout).toMatch(EXPECTED[name]!)
  })
})
