/**
 * `npm run quality` runs the whole board and writes docs/quality.md, `npm run quality -- NAME … [--data DIR]` the
 * named parts of it. DIR is laid out like the shared data sets; MOTEWATCH_DATA says the same. Exit 1 when a bar falls short.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { checks, writeBoard } from './board.ts'
import { shortCount } from './verdict.ts'

const names = Object.keys(checks)
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
let met = wanted.length > 0 || (await writeBoard())
for (const name of wanted) {
  const check = (await import(`./${name}.ts`)) as { run(): Promise<void> }
  await check.run()
}
met &&= shortCount() === 0
process.exitCode = met ? 0 : 1
