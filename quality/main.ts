/**
 * `npm run quality` runs the whole board, `npm run quality -- NAME … [--data DIR]` the named parts of it.
 * DIR is laid out like the shared data sets; MOTEWATCH_DATA says the same. Exit 1 when a bar falls short.
 */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { shortCount } from './verdict.ts'

const names = [
  'iot23',
  'alarms',
  'adbench',
  'skab',
  'nab',
  'planted',
  'additivity',
  'counterfactual',
  'types',
  'incidents',
  'cost',
]
const { values, positionals: wanted } = parseArgs({
  options: { data: { type: 'string' } },
  allowPositionals: true,
})
const unknown = wanted.filter((name) => !names.includes(name))
if (unknown.length > 0) {
  console.error(`unknown quality check ${unknown.join(', ')}; there are ${names.join(', ')}`)
  process.exit(2)
}
if (values.data !== undefined) {
  if (!existsSync(values.data)) {
    console.error(`--data expects a folder, there is no ${values.data}`)
    process.exit(2)
  }
  process.env.MOTEWATCH_DATA = resolve(values.data)
}
for (const name of wanted.length > 0 ? wanted : names) {
  // Parts of the board come one by one.
  if (!existsSync(join(import.meta.dirname, `${name}.ts`))) {
    console.log(`${name}: not measured yet`)
    continue
  }
  const check = (await import(`./${name}.ts`)) as { run(): Promise<void> }
  await check.run()
}
process.exitCode = shortCount() > 0 ? 1 : 0
