/** `npm run parity -- zeek|iot23|scikit-learn|memory`: agreement with the reference; all of them without a name. */
import { shortCount } from '../bench/harness.ts'

const names = ['zeek', 'iot23', 'scikit-learn', 'memory']
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !names.includes(name))
if (unknown.length > 0) {
  console.error(`unknown parity check ${unknown.join(', ')}; there are ${names.join(', ')}`)
  process.exit(2)
}
for (const name of wanted.length > 0 ? wanted : names) {
  const check = (await import(`./${name}.ts`)) as { run(): Promise<void> }
  await check.run()
}
process.exitCode = shortCount() > 0 ? 1 : 0
