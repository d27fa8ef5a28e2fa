import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache, python, verdict } from '../bench/harness.ts'
import { sampleReadings } from '../test/api/readings.ts'
import { startPostgres } from '../test/postgres.ts'
import { freePort, numberOption, startProcess } from './running-service.ts'
import { streamFaults } from './streams.ts'

/**
 * The documentation against the service, on SQLite and PostgreSQL: openapi-spec-validator reads the document,
 * schemathesis makes requests from it (`--examples N` an endpoint), first as whoever works on the machine, then, for
 * what is about accounts, as an admin. The streams of events, which never end, have a check of their own. No answer may
 * be an error of the service's own or outside of what is documented.
 */

const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'unsupported_method',
  'allow_header_conformance',
]

interface Document {
  readonly paths: Record<string, Record<string, { security: unknown; requestBody?: { content: object } }>>
}

const isStream = (path: string) => path.endsWith('/events')
const isAccount = (path: string) => /\/(session|users|tokens|audit)(\/|$)/.test(path)
/** What would lock out whoever asks by a token, or by a session. */
const isOfTokens = (path: string) => path.includes('/tokens')

/**
 * Some paths of the document; without invented tokens, which would be refused before anything else is looked at, and
 * without NDJSON, which the tool cannot make.
 */
function part(
  document: Document,
  wanted: (path: string) => boolean,
): { document: Document; operations: number } {
  const paths = Object.fromEntries(
    Object.entries(structuredClone(document.paths)).filter(([path]) => wanted(path)),
  )
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods))
  for (const operation of operations) {
    operation.security = []
    const content = operation.requestBody?.content
    if (content && 'application/json' in content) {
      operation.requestBody!.content = { 'application/json': content['application/json'] }
    }
  }
  return { document: { ...document, paths }, operations: operations.length }
}

const MAIN = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts')
const PASSWORD = 'a long pass phrase'

/**
 * An administrator to ask as, made by the command line: the tool finds names in answers, and may have removed whoever
 * asked before.
 */
async function administrator(url: string, database: string, folder: string, name: string) {
  const file = join(folder, 'password')
  writeFileSync(file, PASSWORD)
  const args = ['user', 'add', name, '--role', 'admin', '--database', database, '--password-file', file]
  const added = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' })
  if (added.status !== 0) throw new Error(added.stderr)
  // The connection of the last request has been idle for minutes and may be closed by now.
  await fetch(`${url}/healthz`).catch(() => {})
  const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const reply = await fetch(`${url}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    if (!reply.ok) throw new Error(`POST ${path} answered ${reply.status}: ${await reply.text()}`)
    return reply
  }
  const login = await post('/session', { name, password: PASSWORD })
  const cookie = login.headers.get('set-cookie')!.split(';')[0]!
  const token = async (scopes: string[]) => {
    const reply = await post('/tokens', { name: 'check', role: 'admin', scopes }, { cookie })
    return ((await reply.json()) as { token: string }).token
  }
  return { cookie, token }
}

interface Pass {
  readonly name: string
  readonly wanted: (path: string) => boolean
  readonly headers?: Record<string, string>
}

export async function run(): Promise<void> {
  const interpreter = await python(['schemathesis', 'openapi-spec-validator'])
  if (!interpreter) return
  const root = join(cache, 'openapi')
  rmSync(root, { recursive: true, force: true })
  await check('sqlite', undefined, interpreter, root)
  const postgres = await startPostgres()
  if (!postgres) return
  try {
    await check('postgres', await postgres.database('motewatch'), interpreter, root)
  } finally {
    await postgres.stop()
  }
}

async function check(
  name: string,
  database: string | undefined,
  interpreter: string,
  root: string,
): Promise<void> {
  const folder = join(root, name)
  mkdirSync(folder, { recursive: true })
  const log = join(folder, 'service.log')
  const settings = { MOTEWATCH_ACCESS_LOGINS_PER_MINUTE: '100000' }
  const url = database ?? join(folder, 'motewatch.db')
  const service = await startProcess(folder, url, await freePort(), log, settings)
  try {
    const text = await (await fetch(`${service.url}/openapi.json`)).text()
    const document = JSON.parse(text) as Document
    const file = join(folder, 'openapi.json')
    writeFileSync(file, text)
    const valid = spawnSync(interpreter, ['-m', 'openapi_spec_validator', file], { encoding: 'utf8' })
    if (valid.status !== 0) process.stderr.write(valid.stdout + valid.stderr)
    // Something to find.
    await fetch(`${service.url}/api/v1/data`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(sampleReadings(300)),
    })
    let operations = 0
    let requests = 0
    let good = valid.status === 0
    const generate = (pass: Pass) => {
      const asked = part(document, pass.wanted)
      const found = schemathesis(interpreter, folder, service.url, pass, asked.document)
      operations += asked.operations
      requests += found.requests
      good &&= found.good
    }
    generate({ name: 'open', wanted: (path) => !isStream(path) && !isAccount(path) })
    const as = (who: string) => administrator(service.url, url, folder, who)
    const authorization = `Bearer ${await (await as('keeper.of.accounts')).token([])}`
    const headers = { authorization }
    generate({ name: 'accounts', wanted: (path) => isAccount(path) && !isOfTokens(path), headers })
    const { cookie } = await as('keeper.of.tokens')
    generate({ name: 'tokens', wanted: isOfTokens, headers: { cookie } })
    const { token } = await as('keeper.of.streams')
    const faults = await streamFaults(document, {
      url: service.url,
      token: await token([]),
      useless: await token(['data:write']),
    })
    for (const fault of faults) process.stderr.write(`${fault}\n`)
    operations += part(document, isStream).operations
    const all = part(document, () => true).operations
    good &&= faults.length === 0 && operations === all
    verdict({
      name: `openapi on ${name}`,
      ours: `${requests} requests to ${operations} of ${all} operations, ${good ? 'all' : 'not all'} answered as documented`,
      peer: 'document',
      theirs: valid.status === 0 ? 'valid' : 'invalid',
      ratio: good ? 1 : 0,
      bar: 'valid, no 500, no answer outside its schema',
      met: good,
    })
  } finally {
    await service.stop()
  }
}

function schemathesis(
  interpreter: string,
  folder: string,
  url: string,
  { name, headers = {} }: Pass,
  document: Document,
): { good: boolean; requests: number } {
  const file = join(folder, `${name}.json`)
  writeFileSync(file, JSON.stringify(document))
  const { status, stdout, stderr } = spawnSync(
    join(interpreter, '..', 'schemathesis'),
    [
      ['run', file, '--url', url, '--checks', CHECKS.join(',')],
      ['--phases', 'examples,coverage,fuzzing', '--max-examples', String(numberOption('examples', 40))],
      ['--request-timeout', '20', '--seed', '1', '--continue-on-failure'],
      ['--suppress-health-check', 'all', '--no-color'],
      ...Object.entries(headers).map(([header, value]) => ['--header', `${header}: ${value}`]),
    ].flat(),
    { encoding: 'utf8', cwd: folder, maxBuffer: 1 << 28 },
  )
  writeFileSync(join(folder, `${name}.log`), stdout + stderr)
  if (status !== 0) process.stderr.write(stdout.slice(-20_000))
  return { good: status === 0, requests: Number(/(\d+) generated/.exec(stdout)?.[1] ?? 0) }
}
