import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { describe, expect, it } from 'vitest'

/** What the rooms of the service that work on data may import. */
const ROOMS_OF_WORK = [
  'schema',
  'kernels',
  'adapters',
  'devices',
  'features',
  'models',
  'anomalies',
  'incidents',
  'feedback',
  'store',
  'pipeline',
  'output',
  'simulate',
  'config',
]

/** What each room may import besides itself; docs/architecture.md tells why. */
const allowed: Record<string, readonly string[]> = {
  kernels: [],
  schema: [],
  adapters: ['schema'],
  devices: ['schema'],
  features: ['schema', 'kernels'],
  models: ['kernels'],
  anomalies: ['schema', 'kernels', 'features', 'models'],
  incidents: ['schema', 'anomalies'],
  feedback: ['schema'],
  store: ['schema', 'features', 'models', 'anomalies', 'feedback'],
  pipeline: [
    'schema',
    'kernels',
    'adapters',
    'devices',
    'features',
    'models',
    'anomalies',
    'incidents',
    'feedback',
    'store',
  ],
  output: ['schema', 'adapters', 'features', 'models', 'anomalies', 'store', 'pipeline'],
  simulate: ['schema', 'kernels', 'output'],
  config: [],
  access: ['store', 'config'],
  alerts: ['store', 'config', 'schema', 'access'],
  jobs: [...ROOMS_OF_WORK, 'live'],
  live: ROOMS_OF_WORK,
  service: [...ROOMS_OF_WORK, 'jobs', 'live', 'alerts', 'access', 'config'],
  client: ['api'],
  api: [...ROOMS_OF_WORK, 'jobs', 'live', 'alerts', 'access', 'config', 'service'],
}

const src = resolve(import.meta.dirname, '..', 'src')
const files = globSync('**/*.ts', { cwd: src, exclude: (name) => name.includes('simd') })

/** The room of a file: its first folder; a file directly in src/ is a room by its own name. */
function room(path: string): string {
  return relative(src, path).split(sep)[0]!.replace(/\.ts$/, '')
}

function imports(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8')
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((m) => resolve(src, dirname(file), m[1]!))
}

describe('architecture', () => {
  it('finds the source', () => expect(files.length).toBeGreaterThan(20))

  it.each(Object.keys(allowed))('%s imports only what it may', (name) => {
    const wrong = files
      .filter((file) => room(join(src, file)) === name)
      .flatMap((file) => imports(file).map((target) => ({ file, to: room(target) })))
      .filter(({ to }) => to !== name && !allowed[name]!.includes(to))
      .map(({ file, to }) => `${file} -> ${to}`)
    expect(wrong).toEqual([])
  })

  it('the client loads nothing of the service: it imports types only', () => {
    const outside = files
      .filter((file) => file.startsWith(`client${sep}`))
      .flatMap(
        (file) =>
          readFileSync(join(src, file), 'utf8').match(/^(?:import|export) [^;]*?from '[^']+'/gm) ?? [],
      )
      .filter((line) => !line.includes("from './") && !/^(?:import|export) type /.test(line))
    expect(outside).toEqual([])
  })

  it('every import names an existing file with its .ts ending', () => {
    const missing = files.flatMap((file) =>
      imports(file)
        .filter((target) => !files.includes(relative(src, target)))
        .map((target) => `${file} -> ${relative(src, target)}`),
    )
    expect(missing).toEqual([])
  })
})
