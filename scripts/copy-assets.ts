/** Copies what the compiler leaves behind into dist/: WebAssembly kernels and page templates. */
import { cpSync, globSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
for (const file of globSync('**/*.{wasm,html,css}', { cwd: join(root, 'src') })) {
  const to = join(root, 'dist', file)
  mkdirSync(dirname(to), { recursive: true })
  cpSync(join(root, 'src', file), to)
}
