/**
 * `npm run parity -- zeek|iot23|scikit-learn|…`: agreement with the reference; all that agree in minutes without a
 * name. `kill` (`--kills N`), `two-writers` (`--minutes N`) and `openapi`
 * (`--examples N`) take long and run only when named.
 */
import { shortCount } from '../bench/harness.ts'

const usual = ['zeek', 'iot23', 'scikit-learn', 'memory']
const names = [...usual, 'kill', 'two-writers', 'openapi']
const words = process.argv.slice(2)
const wanted = words.filter((word, i) => !word.startsWith('--') && !words[i - 1]?.startsWith('--'))
const unknown = wanted.filter((name) => !names.includes(name))
if (unknown.length > 0) {
  console.error(`unknown parity check ${unknown.join(', ')}; there are ${names.join(', ')}`)
  process.exit(2)
}
for (const name of wanted.length > 0 ? wanted : usual) {
  const check = (await import(`./${name}.ts`)) as { run(): Promise<void> }
  await check.run()
}
process.exitCode = shortCount() > 0 ? 1 : 0
