import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { median, once, verdict } from './harness.ts'

const BAR_MS = 150
const main = join(import.meta.dirname, '..', 'dist', 'cli', 'main.js')

/**
 * Wall time of `motewatch --help` against an empty program on the same Node: the peer is the floor that no
 * command line on Node can be under, so the difference is our own.
 */
export async function run(): Promise<void> {
  if (!existsSync(main)) throw new Error(`${main} is missing; npm run build makes it`)
  const help = await once(process.execPath, [main, '--help'])
  if (help.code !== 0 || !help.stdout.includes('detect')) throw new Error(`--help failed: ${help.stdout}`)
  const ours = (await median(() => once(process.execPath, [main, '--help']), 15)) * 1000
  const floor = (await median(() => once(process.execPath, ['-e', '0']), 15)) * 1000
  verdict({
    name: 'startup',
    ours: `${ours.toFixed(0)} ms`,
    peer: 'node -e 0',
    theirs: `${floor.toFixed(0)} ms`,
    ratio: floor / ours,
    bar: `${BAR_MS} ms`,
    met: ours <= BAR_MS,
  })
}
