import { describe, expect, it } from 'vitest'
import { feedbackOn, feedbackOnAdaptation, withFeedback } from '../../src/feedback/entry.ts'
import { parseFeedback } from '../../src/feedback/parse.ts'
import { IncidentBuilder } from '../../src/incidents/incident-builder.ts'
import type { Feedback } from '../../src/schema/feedback.ts'
import { oddFlow, oddReading } from './odd.ts'

const entry = feedbackOn(oddFlow(), 'expected', { at: 100, by: 'ada', note: 'nightly backup' })
const step = {
  id: '00000000',
  kind: 'readings',
  device: 's',
  at: 1,
  from: 0.4,
  to: 0.6,
  changes: [],
  why: '',
} as const

describe('an entry', () => {
  it('says what was judged and what else is meant by it', () => {
    expect(entry).toMatchObject({
      at: 100,
      by: 'ada',
      note: 'nightly backup',
      kind: 'flows',
      verdict: 'expected',
      strength: 3,
      perDay: 1,
      scope: {
        devices: ['192.168.1.2'],
        types: ['unusual volume'],
        values: [{ feature: 'bytes_out', range: { low: 0, high: 1.99e6 }, categories: [] }],
        flow: { direction: 'out', services: ['443/tcp'], peers: ['203.0.113.0/24'] },
      },
    })
  })

  it.each([
    ['203.0.113.5', '203.0.113.0/24'],
    ['2001:DB8:1:2::5', '2001:db8:1::/48'],
    ['192.168.1.9', '192.168.1.9'],
    ['fd00::9', 'fd00::9'],
    ['224.0.0.251', '224.0.0.251'],
    ['not an address', 'not an address'],
  ])('means by %s the others of %s', (resp_h, network) => {
    expect(feedbackOn(oddFlow({ resp_h }), 'expected').scope.flow?.peers).toEqual([network])
  })

  it('about the hour means it wherever the device turned to', () => {
    expect(feedbackOn(oddFlow({ feature: 'hour', bytes: 3 }), 'expected').scope.flow?.peers).toBeNull()
  })

  it('about an incident covers its types, its other sides and as many a day', () => {
    const hosts = [1, 2, 3].map((n) => oddFlow({ resp_h: `203.0.${n}.1`, ts: n * 86_400 }))
    const all = [...hosts, oddFlow({ type: 'exfiltration', bytes: 2e6, p: 1e-4, ts: 5 * 86_400 })]
    const builder = IncidentBuilder.begin(all[0]!)
    for (const anomaly of all) builder.add(anomaly)
    const { scope, strength, perDay } = feedbackOn(builder.finish(), 'expected')
    expect(new Set(scope.types)).toEqual(new Set(['exfiltration', 'unusual volume']))
    expect(scope.flow?.peers).toHaveLength(4)
    expect(scope.values[0]?.range?.high).toBeCloseTo(3.99e6)
    expect([strength, perDay]).toEqual([4, 1])
  })

  it('said twice is one; what is said about another kind stays with that', () => {
    const reading = feedbackOn(oddReading(), 'confirmed', { at: 50 })
    const bundle = { kind: 'flows' as const, feedback: [] }
    expect(withFeedback(bundle, [entry, reading, { ...entry }]).feedback).toEqual([entry])
  })

  it('about a step of adaptation holds the device where it was, or lets it go further', () => {
    expect(feedbackOnAdaptation(step, 'hold')).toMatchObject({ device: 's', limit: 0.4 })
    expect(feedbackOnAdaptation(step, 'follow')).toMatchObject({ device: 's', limit: 1.6 })
  })
})

describe('entries from outside', () => {
  it('come back as they were, in the order in which they were said', () => {
    const all: Feedback[] = [
      feedbackOnAdaptation(step, 'hold', { at: 300 }),
      entry,
      feedbackOn(oddReading(), 'confirmed', { at: 200 }),
    ]
    expect(parseFeedback(JSON.parse(JSON.stringify(all)))).toEqual([all[1], all[2], all[0]])
  })

  it.each<[string, unknown, RegExp]>([
    ['id', '../x', /feedback\[0\]\.id expects eight/],
    ['verdict', 'fine', /verdict expects expected, confirmed/],
    ['at', 'now', /at expects seconds/],
    ['scope.devices', undefined, /scope\.devices expects a list/],
    ['scope.devices.0', 7, /devices\[0\] expects a text/],
    ['note', 'x'.repeat(5000), /note expects a text/],
    ['scope.flow.direction', 'up', /direction expects out or in/],
    ['scope.values.0.range.high', 'far', /range\.high expects a number/],
    ['strength', null, /strength expects a number/],
    ['perDay', 0, /perDay expects a number above 0/],
  ])('with another %s are refused', (path, value, message) => {
    const json: unknown = structuredClone(entry)
    const steps = path.split('.')
    const last = steps.pop()!
    Reflect.set(
      steps.reduce((at, step) => Reflect.get(at, step), json as object),
      last,
      value,
    )
    expect(() => parseFeedback([json])).toThrow(message)
  })

  it('that are no list are refused', () => {
    expect(() => parseFeedback({})).toThrow(/expects a list/)
  })
})
