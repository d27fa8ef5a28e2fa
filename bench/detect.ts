/**
 * `motewatch detect` on a capture of at least 3.5 M packets and 0.7 M flows, all three models, anomalies
 * written as CSV: the built command in a process of its own, from start to exit.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { captureSlice, largeCapture } from './data.ts'
import { cache, once, verdict } from './harness.ts'

const cli = join(import.meta.dirname, '..', 'dist', 'cli', 'main.js')
const most = { seconds: 20, megabytes: 600 }

export async function run(): Promise<void> {
  if (!existsSync(cli)) throw new Error('no built command; run `npm run build` first')
  const capture = largeCapture()
  const models = join(cache, 'detect-models')
  const csv = join(cache, 'detect.csv')
  const trained = await motewatch('train', '--input', captureSlice(400_000), '--output-dir', models)
  console.log(`trained in ${trained.seconds.toFixed(1)} s, ${trained.peakMB.toFixed(0)} MB`)
  const detect = ['detect', '--input', capture, '--models', models, '--output', csv]
  const { seconds, peakMB, stdout } = await motewatch(...detect)
  // Every anomaly told must have become a row.
  const told = Number(/All ([\d,]+) anomalies/.exec(stdout)?.[1]?.replaceAll(',', ''))
  const rows = readFileSync(csv, 'latin1').split('\n').length - 2
  if (rows !== told) throw new Error(`${told} anomalies told but ${rows} rows in ${csv}`)
  console.log(`${rows} anomalies`)
  rmSync(csv)
  verdict({
    name: 'detect',
    ours: `${seconds.toFixed(1)} s, ${peakMB.toFixed(0)} MB`,
    peer: 'bar',
    theirs: `${most.seconds} s, ${most.megabytes} MB`,
    ratio: most.seconds / seconds,
    bar: `${most.seconds} s and ${most.megabytes} MB`,
    met: seconds <= most.seconds && peakMB <= most.megabytes,
  })
}

async function motewatch(...args: string[]) {
  const done = await once(process.execPath, [cli, ...args])
  if (done.code !== 0) throw new Error(`motewatch ${args.join(' ')} ended with ${done.code}`)
  return done
}
