import { describe, expect, it } from 'vitest'
import { feedbackOn } from '../../src/feedback/entry.ts'
import { FeedbackJudge } from '../../src/feedback/judge.ts'
import type { Anomaly } from '../../src/schema/anomaly.ts'
import type { Feedback } from '../../src/schema/feedback.ts'
import { oddFlow, oddReading } from './odd.ts'

/** Anomalies that these entries keep from being told. */
function suppressed(entries: readonly Feedback[], ...anomalies: Anomaly[]): number {
  return anomalies.length - new FeedbackJudge(entries).told(anomalies).length
}

describe('an upload that was expected', () => {
  const upload = oddFlow()
  const expected = feedbackOn(upload, 'expected', { at: 1 })

  it('is not told again, nor what is as strong or a little stronger', () => {
    expect(suppressed([expected], upload)).toBe(1)
    expect(suppressed([expected], oddFlow({ p: 2e-4 }))).toBe(1)
    expect(suppressed([expected], oddFlow({ bytes: 1.9e6 }))).toBe(1)
    expect(suppressed([expected], oddFlow({ bytes: 6e5, p: 1e-3, resp_h: '203.0.113.77' }))).toBe(1)
  })

  it.each<[string, Parameters<typeof oddFlow>[0]]>([
    ['is much rarer', { p: 1e-5 }],
    ['is much larger', { bytes: 3e6 }],
    ['is of another type', { type: 'beaconing' }],
    ['goes to another network', { resp_h: '198.51.100.7' }],
    ['goes to a neighbour', { resp_h: '192.168.1.9' }],
    ['is for another service', { resp_p: 22 }],
    ['uses another transport', { proto: 'udp' }],
    ['is of another device', { device: '192.168.1.3', orig_h: '192.168.1.3' }],
    ['is unusual in something else', { feature: 'duration' }],
  ])('hides nothing that %s', (_, other) => {
    expect(suppressed([expected], oddFlow(other))).toBe(0)
  })

  it('hides nothing that came in from where it went to', () => {
    const incoming = { orig_h: '203.0.113.5', resp_h: '192.168.1.2' }
    expect(suppressed([expected], oddFlow(incoming))).toBe(0)
  })

  it('hides no more of them a day than were judged, twice over or five', () => {
    const often = Array.from({ length: 50 }, (_, i) => oddFlow({ ts: 1000 + i }))
    expect(suppressed([expected], ...often)).toBe(5)
    const days = Array.from({ length: 50 }, (_, i) => oddFlow({ ts: 1000 + 86_400 * i }))
    expect(suppressed([expected], ...days)).toBe(50)
  })

  it('counts what it hides, and goes on counting when restored', () => {
    const often = Array.from({ length: 8 }, (_, i) => oddFlow({ ts: 1000 + i }))
    const judge = new FeedbackJudge([expected])
    judge.told(often.slice(0, 4))
    const other = new FeedbackJudge([expected])
    other.restore(structuredClone(judge.save()))
    expect(other.told(often.slice(4))).toHaveLength(3)
    expect(other.counts).toEqual({ suppressed: 5, sooner: 0, byEntry: { [expected.id]: 5 } })
  })

  it('is told again when the opposite is said later, and not when it was said before', () => {
    const confirmed = feedbackOn(upload, 'confirmed', { at: 2 })
    expect(suppressed([expected, confirmed], upload)).toBe(0)
    expect(suppressed([feedbackOn(upload, 'confirmed', { at: 0 }), expected], upload)).toBe(1)
  })
})

describe('a scan that was expected', () => {
  const scan = oddFlow({
    type: 'port scan',
    feature: 'destinations_10m',
    bytes: 80,
    resp_h: '192.168.1.9',
    resp_p: 23,
  })
  const expected = feedbackOn(scan, 'expected', { at: 1 })

  it('is expected of all neighbours at that port, but not of the world outside or of other ports', () => {
    expect(suppressed([expected], { ...scan, fields: { ...scan.fields, resp_h: '10.0.0.8' } })).toBe(1)
    expect(suppressed([expected], { ...scan, fields: { ...scan.fields, resp_h: '8.8.8.8' } })).toBe(0)
    expect(suppressed([expected], { ...scan, fields: { ...scan.fields, resp_p: 22 } })).toBe(0)
  })
})

describe('a reading that was expected', () => {
  const expected = feedbackOn(oddReading({ value: 30 }), 'expected', { at: 1 })

  it('is expected up to twice as far out, on the same side, of the same metric', () => {
    expect(suppressed([expected], oddReading({ value: 30 }), oddReading({ value: 37 }))).toBe(2)
    expect(suppressed([expected], oddReading({ value: 41 }))).toBe(0)
    expect(suppressed([expected], oddReading({ value: 5 }))).toBe(0)
    expect(suppressed([expected], oddReading({ value: 30, feature: 'humidity' }))).toBe(0)
    expect(suppressed([expected], oddReading({ value: 30, device: 'other' }))).toBe(0)
  })

  it('that lasts is expected to last, however long', () => {
    const stuck = { feature: 'temperature unchanged', type: 'stuck' as const }
    const lasting = feedbackOn(oddReading({ ...stuck, value: 100 }), 'expected', { at: 1 })
    expect(suppressed([lasting], oddReading({ ...stuck, value: 1e6 }))).toBe(1)
  })
})

describe('what was confirmed', () => {
  const judge = new FeedbackJudge([feedbackOn(oddFlow(), 'confirmed', { at: 1 })])

  it('is told sooner of the like: there, and unusual in the same way', () => {
    expect(judge.concerns('192.168.1.2')).toBe(true)
    expect(judge.concerns('192.168.1.3')).toBe(false)
    expect(judge.confirms(oddFlow({ p: 5e-3 }))).toBeDefined()
    expect(judge.confirms(oddFlow({ resp_p: 22 }))).toBeUndefined()
    expect(judge.confirms(oddFlow({ feature: 'duration' }))).toBeUndefined()
    expect(judge.confirms(oddFlow({ bytes: 3000 }))).toBeUndefined()
  })
})
