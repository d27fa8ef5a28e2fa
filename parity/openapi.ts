import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache, python, verdict } from '../bench/harness.ts'
import { sampleReadings } from '../test/api/readings.ts'
import { freePort, numberOption, startProcess } from './running-service.ts'

/**
 * The documentation against the service: openapi-spec-validator reads the document, schemathesis makes requests from it
 * (`--examples N` an endpoint). No answer may be an error of the service's own or outside of what is documented.
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

/** Without invented tokens, which would be refused before anything else is looked at, and without NDJSON, which the tool cannot make. */
function askable(document: Document): Document {
  for (const operation of Object.values(document.paths).flatMap((methods) => Object.values(methods))) {
    operation.security = []
    const content = operation.requestBody?.content
    if (content && 'application/json' in content) {
      operation.requestBody!.content = { 'application/json': content['application/json'] }
    }
  }
  return document
}

export async function run(): Promise<void> {
  const interpreter = await python(['schemathesis', 'openapi-spec-validator'])
  if (!interpreter) return
  const folder = join(cache, 'openapi')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const log = join(folder, 'service.log')
  const service = await startProcess(folder, join(folder, 'motewatch.db'), await freePort(), log)
  try {
    const document = await (await fetch(`${service.url}/openapi.json`)).text()
    const file = join(folder, 'openapi.json')
    writeFileSync(file, document)
    const valid = spawnSync(interpreter, ['-m', 'openapi_spec_validator', file], { encoding: 'utf8' })
    if (valid.status !== 0) process.stderr.write(valid.stdout + valid.stderr)
    const asked = join(folder, 'asked.json')
    writeFileSync(asked, JSON.stringify(askable(JSON.parse(document) as Document)))
    // Something to find.
    await fetch(`${service.url}/api/v1/data`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(sampleReadings(300)),
    })
    const tool = join(interpreter, '..', 'schemathesis')
    const examples = numberOption('examples', 40)
    // Events never end; a log-in is limited to a few a minute; with a user this machine may no longer do everything.
    const found = spawnSync(
      tool,
      [
        'run',
        asked,
        '--url',
        service.url,
        '--checks',
        CHECKS.join(','),
        '--phases',
        'examples,coverage,fuzzing',
        '--max-examples',
        String(examples),
        '--exclude-path-regex',
        '/events$|/ws$|/session|/users',
        '--request-timeout',
        '20',
        '--seed',
        '1',
        '--continue-on-failure',
        '--suppress-health-check',
        'all',
        '--no-color',
      ],
      { encoding: 'utf8', cwd: folder, maxBuffer: 1 << 28 },
    )
    writeFileSync(join(folder, 'schemathesis.log'), found.stdout + found.stderr)
    const tested = /(\d+) generated/.exec(found.stdout)?.[1] ?? '?'
    if (found.status !== 0) process.stderr.write(found.stdout.slice(-20_000))
    const good = valid.status === 0 && found.status === 0
    verdict({
      name: 'openapi',
      ours: `${tested} requests, ${found.status === 0 ? 'all' : 'not all'} answered as documented`,
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
