/**
 * Learns what is normal from a log, tells what is not in another, and prints the reasons.
 *
 *   node examples/train-and-detect.ts [training data] [data to look at]
 *
 * Without arguments it simulates a day of a small home and a day with attacks.
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { detect, saveBundles, train, writeSimulation } from 'motewatch'

const folder = await mkdtemp(join(tmpdir(), 'motewatch-example-'))
const [normal = await simulated(1, []), unknown = await simulated(2, ['scan', 'exfiltration'])] =
  process.argv.slice(2)

const { bundles } = await train([normal])
// A model is a file of data; `loadBundles` reads it back.
await saveBundles(join(folder, 'models'), bundles)
for (const { kind, summary } of bundles) {
  console.log(`learned ${kind} from ${summary.rows.fitted} rows with ${summary.features.length} features`)
}

const found = new Map<string, number>()
for await (const anomalies of detect([unknown], bundles, { threshold: 0.6 })) {
  for (const { device, type, confidence, description } of anomalies) {
    const kind = `${type} by ${device}`
    if (!found.has(kind)) console.log(`${confidence.toFixed(2)} ${description}`)
    found.set(kind, (found.get(kind) ?? 0) + 1)
  }
}
for (const [kind, count] of found) console.log(`${count} x ${kind}`)

async function simulated(seed: number, attacks: string[]): Promise<string> {
  const { files } = await writeSimulation(join(folder, String(seed)), {
    seed,
    attacks,
    devices: 8,
    hours: 8,
    files: ['conn.log.labeled'],
  })
  return files[0]!
}
