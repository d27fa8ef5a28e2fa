/** Compiles the AssemblyScript kernels to WebAssembly, beside their sources. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const simd = join(import.meta.dirname, '..', 'src', 'kernels', 'simd')
const assembly = join(simd, 'assembly')
const sources = existsSync(assembly) ? readdirSync(assembly).filter((f) => f.endsWith('.ts')) : []
for (const file of sources) {
  execFileSync(
    process.execPath,
    [
      join(import.meta.dirname, '..', 'node_modules', 'assemblyscript', 'bin', 'asc.js'),
      join(assembly, file),
      '--outFile',
      join(simd, file.replace(/\.ts$/, '.wasm')),
      '-O3',
      '--noAssert',
      '--runtime',
      'stub',
      '--enable',
      'simd,relaxed-simd,threads,bulk-memory',
      '--importMemory',
      '--sharedMemory',
      '--initialMemory',
      '1',
      '--maximumMemory',
      '65536',
    ],
    { stdio: 'inherit' },
  )
}
