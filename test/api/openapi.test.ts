import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ProblemDetails } from '../../src/api/problem.ts'
import { sampleReadings } from './readings.ts'
import { type Method, type Running, running } from './running.ts'
import { anomaly, DAY, keep } from './seed.ts'

/** As much of OpenAPI 3.1 as is looked at. */
interface Document {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly responses: Record<string, Answer>
    readonly schemas: Record<string, unknown>
  }
}
interface Operation {
  readonly tags?: readonly string[]
  readonly summary?: string
  readonly operationId: string
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Record<string, Content> }
  readonly responses: Record<string, Answer & { $ref?: string }>
  readonly 'x-role': string
}
interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly schema: Json
}
interface Content {
  readonly schema: Json
  readonly example?: unknown
}
interface Answer {
  readonly description: string
  readonly content?: Record<string, Content>
}
type Json = Readonly<Record<string, unknown>>

let api: Running
let document: Document
const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
beforeAll(async () => {
  api = await running()
  document = (await api.ask('GET', '/openapi.json')).body
  ajv.addSchema({ $id: 'document', ...document })
  const ids = await keep(api.service.store, [anomaly('device1', DAY), anomaly('device2', DAY + 60)])
  expect(ids).toEqual([1, 2])
  await api.ask('POST', '/api/v1/data', sampleReadings(30))
})
afterAll(() => api.stop())

function operations(): { method: Method; path: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase() as Method,
      path,
      operation,
    })),
  )
}

/** A schema of the document, ready to validate. */
const compiled = new Map<string, ValidateFunction>()
function validator(schema: unknown): ValidateFunction {
  const text = JSON.stringify(schema).replaceAll('"#/components', '"document#/components')
  let validate = compiled.get(text)
  if (!validate) {
    validate = ajv.compile(JSON.parse(text) as Json)
    compiled.set(text, validate)
  }
  return validate
}

function check(schema: unknown, value: unknown, what: string): void {
  const validate = validator(schema)
  const fits = validate(value)
  if (!fits)
    throw new Error(`${what}: ${ajv.errorsText(validate.errors)}: ${JSON.stringify(value).slice(0, 400)}`)
}

describe('the documentation', () => {
  it('names each endpoint once, with what it is for', () => {
    const all = operations()
    expect(all.length).toBeGreaterThan(40)
    expect(new Set(all.map(({ operation }) => operation.operationId)).size).toBe(all.length)
    for (const { method, path, operation } of all) {
      expect(operation.summary, `${method} ${path}`).toMatch(/\w/)
      expect(operation.tags, `${method} ${path}`).toHaveLength(1)
      expect(operation['x-role'], `${method} ${path}`).toMatch(/public|viewer|operator|admin/)
      for (const { $ref, description } of Object.values(operation.responses)) {
        const answer = $ref ? document.components.responses[$ref.split('/').at(-1)!] : undefined
        expect(description ?? answer?.description, `${method} ${path}`).toMatch(/\w/)
      }
    }
  })

  it('has an example of every body and every answer, and each is what its schema says', () => {
    for (const { method, path, operation } of operations()) {
      const where = `${method} ${path}`
      for (const [type, content] of Object.entries(operation.requestBody?.content ?? {})) {
        if (type.startsWith('multipart')) continue
        expect(content.example, `${where} ${type}`).toBeDefined()
        if (/json$/.test(type) && !/ndjson/.test(type))
          check(content.schema, content.example, `${where} body`)
      }
      for (const [status, answer] of Object.entries(operation.responses)) {
        const content = answer.content?.['application/json']
        if (!content || Number(status) >= 300) continue
        expect(content.example, `${where} ${status}`).toBeDefined()
        check(content.schema, content.example, `${where} ${status}`)
      }
      for (const { name, required, in: place } of operation.parameters ?? []) {
        if (place === 'path') expect(required, `${where} ${name}`).toBe(true)
      }
    }
  })
})

/** Values that a schema takes, mixed with some that it may not. */
function valuesOf(schema: Json, depth = 0): fc.Arbitrary<unknown> {
  const odd = fc.constantFrom<unknown>(
    '',
    ' ',
    0,
    -1,
    null,
    true,
    1e308,
    [],
    {},
    'é\u0000',
    '../../x',
    '9'.repeat(30),
  )
  return fc.oneof({ arbitrary: fitting(schema, depth), weight: 6 }, { arbitrary: odd, weight: 1 })
}

function fitting(schema: Json, depth: number): fc.Arbitrary<unknown> {
  const { $ref, anyOf, oneOf, type, properties, required, items, minimum, maximum, format } = schema as {
    $ref?: string
    anyOf?: Json[]
    oneOf?: Json[]
    type?: string
    properties?: Record<string, Json>
    required?: string[]
    items?: Json
    minimum?: number
    maximum?: number
    format?: string
  }
  if (depth > 5) return fc.constant(null)
  if ($ref) return fitting(document.components.schemas[$ref.split('/').at(-1)!] as Json, depth + 1)
  const choices = anyOf ?? oneOf
  if (choices) return fc.oneof(...choices.map((choice) => valuesOf(choice, depth + 1)))
  if ('const' in schema) return fc.constant(schema.const)
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]))
  if (type === 'object') {
    const fields = Object.entries(properties ?? {}).map(
      ([name, s]) => [name, valuesOf(s, depth + 1)] as const,
    )
    const free = fc.dictionary(fc.constantFrom('id', 'timestamp', 'x', '__proto__'), fc.jsonValue())
    if (fields.length === 0) return free
    return fc.record(Object.fromEntries(fields), { requiredKeys: required ?? [] })
  }
  if (type === 'array') return fc.array(items ? valuesOf(items, depth + 1) : fc.jsonValue(), { maxLength: 3 })
  if (type === 'integer') {
    const min = Math.max(minimum ?? -5, -5)
    return fc.integer({ min, max: Math.max(min, Math.min(maximum ?? 50, 50)) })
  }
  if (type === 'number') return fc.double({ min: minimum ?? -10, max: maximum ?? 10, noNaN: true })
  if (type === 'boolean') return fc.boolean()
  if (format === 'date-time') return fc.constantFrom('2025-03-06T00:00:00Z', '2025-03-07', '1', 'soon')
  if (type === 'string') return fc.oneof(fc.constantFrom('1', 'device1', 'a'), fc.string({ maxLength: 20 }))
  return fc.jsonValue()
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Ends by itself, changes nothing that later requests need, and asks nobody outside. */
function isAskable(method: string, path: string): boolean {
  return (
    !/\/events$|\/session|\/test$/.test(path) &&
    !path.startsWith('/ws') &&
    !(method === 'POST' && /simulate/.test(path))
  )
}

describe('generated requests', () => {
  it('are answered as documented, and never by an error of ours', async () => {
    for (const { method, path, operation } of operations()) {
      if (!isAskable(method, path)) continue
      const parameters = (operation.parameters ?? []).filter((p) => p.in !== 'header')
      const values = fc.record(
        Object.fromEntries(parameters.map((p) => [`${p.in}.${p.name}`, valuesOf(p.schema)])),
        { requiredKeys: parameters.filter((p) => p.required).map((p) => `${p.in}.${p.name}`) },
      )
      const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? []
      const body = content ? valuesOf(content.schema) : fc.constant(undefined)
      await fc.assert(
        fc.asyncProperty(values, body, async (given, sent) => {
          const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
            encodeURIComponent(text(given[`path.${name}`]) || '-'),
          )
          const query = Object.entries(given)
            .filter(([name]) => name.startsWith('query.'))
            .flatMap(([name, value]) => [value].flat().map((one) => [name.slice(6), text(one)]))
          const url = `${filled}?${new URLSearchParams(query as [string, string][])}`
          const payload = type === 'application/json' ? JSON.stringify(sent) : undefined
          const answer = await api.ask(method, url, payload)
          const where = `${method} ${url} ${payload ?? ''}: ${JSON.stringify(answer.body)?.slice(0, 300)}`
          expect(answer.status, where).not.toBe(500)
          // A name that empties a part of the path asks for another path.
          if (answer.status === 404 && operation.responses['404'] === undefined) return
          expect(Object.keys(operation.responses), where).toContain(String(answer.status))
          if (answer.status >= 400) {
            expect(answer.headers['content-type'], where).toContain('application/problem+json')
            expect(ProblemDetails.strict().safeParse(answer.body).success, where).toBe(true)
          } else if (/application\/json/.test(String(answer.headers['content-type']))) {
            const schema = operation.responses[String(answer.status)]?.content?.['application/json']?.schema
            expect(schema, where).toBeDefined()
            check(schema, answer.body, where)
          }
        }),
        { numRuns: 6, seed: 7, endOnFailure: true },
      )
    }
  })
})
