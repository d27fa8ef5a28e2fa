/** `npm run bench` runs every speed bar, `npm run bench -- NAME …` the named ones. Exit 1 when a bar falls short. */
import { shortCount } from './harness.ts'

const names = [
  'startup',
  'forest',
  'lof',
  'lof-real',
  'lof-batches',
  'autoencoder',
  'pcap',
  'zeek',
  'detect',
  'ingest',
  'store',
  'api-detect',
]
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !names.includes(name))
if (unknown.length > 0) {
  console.error(`unknown bench ${unknown.join(', ')}; there are ${names.join(', ')}`)
  process.exit(2)
}
for (const name of wanted.length > 0 ? wanted : names) {
  const bench = (await import(`./${name}.ts`)) as { run(): Promise<void> }
  await bench.run()
}
process.exitCode = shortCount() > 0 ? 1 : 0
