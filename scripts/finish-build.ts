/** Completes dist/ after the compiler: copies kernels and page templates, makes the command executable. */
import { chmodSync, cpSync, existsSync, globSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
for (const file of globSync('**/*.{wasm,html,css}', { cwd: join(root, 'src') })) {
  const to = join(root, 'dist', file)
  mkdirSync(dirname(to), { recursive: true })
  cpSync(join(root, 'src', file), to)
}
const command = join(root, 'dist', 'cli', 'main.js')
if (existsSync(command)) chmodSync(command, 0o755)
