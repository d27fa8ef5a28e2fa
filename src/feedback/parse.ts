import type { CoveredValues, Feedback, FeedbackScope } from '../schema/feedback.ts'
import { inOrder } from './judge.ts'

/** Entries kept with a model, texts and lists in them at most. */
const MOST_ENTRIES = 10_000
const LONGEST_TEXT = 2000
const LONGEST_LIST = 1000

type Json = Readonly<Record<string, unknown>>

/**
 * Entries read from outside: a model file, a store.
 *
 * @throws TypeError naming the entry and the member that is not as `feedbackOn` makes it
 */
export function parseFeedback(json: unknown): Feedback[] {
  if (!Array.isArray(json) || json.length > MOST_ENTRIES) {
    throw new TypeError(`feedback expects a list of at most ${MOST_ENTRIES} entries`)
  }
  return json.map((entry: unknown, i) => parseEntry(entry, `feedback[${i}]`)).sort(inOrder)
}

function parseEntry(json: unknown, place: string): Feedback {
  const e = record(json, place)
  expect(isText(e.id) && /^[0-9a-f]{8}$/.test(e.id), `${place}.id`, 'eight hexadecimal digits', e.id)
  expect(Number.isFinite(e.at), `${place}.at`, 'seconds since the epoch', e.at)
  expect(e.kind === 'flows' || e.kind === 'readings', `${place}.kind`, 'flows or readings', e.kind)
  for (const name of ['note', 'by'] as const) {
    expect(e[name] === undefined || isText(e[name]), `${place}.${name}`, 'a text', e[name])
  }
  const { id, at, kind, note, by, verdict } = e
  const said = {
    id,
    at,
    ...(note === undefined ? {} : { note }),
    ...(by === undefined ? {} : { by }),
    kind,
    verdict,
  }
  if (verdict === 'hold' || verdict === 'follow') {
    expect(isText(e.device), `${place}.device`, 'a text', e.device)
    expect(Number.isFinite(e.limit) && Number(e.limit) >= 0, `${place}.limit`, 'a number from 0 up', e.limit)
    return { ...said, device: e.device, limit: e.limit } as Feedback
  }
  const verdicts = 'expected, confirmed, hold or follow'
  expect(verdict === 'expected' || verdict === 'confirmed', `${place}.verdict`, verdicts, verdict)
  expect(Number.isFinite(e.strength), `${place}.strength`, 'a number', e.strength)
  expect(Number.isFinite(e.perDay) && Number(e.perDay) > 0, `${place}.perDay`, 'a number above 0', e.perDay)
  const scope = parseScope(record(e.scope, `${place}.scope`), `${place}.scope`)
  return { ...said, scope, strength: e.strength, perDay: e.perDay } as Feedback
}

function parseScope(s: Json, place: string): FeedbackScope {
  const scope = {
    devices: texts(s.devices, `${place}.devices`),
    types: texts(s.types, `${place}.types`) as FeedbackScope['types'],
    values: list(s.values, `${place}.values`).map((v, i) => parseValues(v, `${place}.values[${i}]`)),
  }
  if (s.flow === undefined) return scope
  const flow = record(s.flow, `${place}.flow`)
  const { direction, services, peers } = flow
  expect(direction === 'out' || direction === 'in', `${place}.flow.direction`, 'out or in', direction)
  const orAny = (value: unknown, name: string) =>
    value === null ? null : texts(value, `${place}.flow.${name}`)
  const way = direction as 'out' | 'in'
  return {
    ...scope,
    flow: { direction: way, services: orAny(services, 'services'), peers: orAny(peers, 'peers') },
  }
}

function parseValues(json: unknown, place: string): CoveredValues {
  const { feature, range, categories } = record(json, place)
  expect(isText(feature), `${place}.feature`, 'a text', feature)
  const values = { feature: feature as string, categories: texts(categories, `${place}.categories`) }
  if (range === undefined) return values
  const { low, high } = record(range, `${place}.range`)
  for (const [name, end] of Object.entries({ low, high })) {
    expect(end === null || Number.isFinite(end), `${place}.range.${name}`, 'a number or null', end)
  }
  return { ...values, range: { low, high } as CoveredValues['range'] & {} }
}

function record(json: unknown, place: string): Json {
  expect(typeof json === 'object' && json !== null && !Array.isArray(json), place, 'an object', json)
  return json as Json
}

function list(json: unknown, place: string): readonly unknown[] {
  const sound = Array.isArray(json) && json.length <= LONGEST_LIST
  expect(sound, place, `a list of at most ${LONGEST_LIST}`, json)
  return json as readonly unknown[]
}

function texts(json: unknown, place: string): readonly string[] {
  return list(json, place).map((text, i) => {
    expect(isText(text), `${place}[${i}]`, 'a text', text)
    return text as string
  })
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_TEXT
}

function expect(sound: boolean, place: string, expected: string, got: unknown): void {
  if (sound) return
  throw new TypeError(`${place} expects ${expected}, got ${String(JSON.stringify(got)).slice(0, 80)}`)
}
