/** Completes dist/ after the compiler: copies kernels and page templates, makes the command executable. */
import { chmodSync, cpSync, existsSync, globSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ASSETS, type AssetName, assetFromPackage } from '../src/api/assets.ts'

const root = join(import.meta.dirname, '..')
for (const file of globSync('**/*.{wasm,html,css}', { cwd: join(root, 'src') })) {
  const to = join(root, 'dist', file)
  mkdirSync(dirname(to), { recursive: true })
  cpSync(join(root, 'src', file), to)
}
const assets = join(root, 'dist', 'api', 'assets')
mkdirSync(assets, { recursive: true })
for (const name of Object.keys(ASSETS) as AssetName[]) {
  writeFileSync(join(assets, name), await assetFromPackage(name))
}
const command = join(root, 'dist', 'cli', 'main.js')
if (existsSync(command)) chmodSync(command, 0o755)
