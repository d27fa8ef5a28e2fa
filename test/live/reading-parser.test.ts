import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReadingParser } from '../../src/live/intake/reading-parser.ts'
import { Tally } from '../../src/live/intake/result.ts'
import { parseTime } from '../../src/live/intake/time.ts'
import { ReadingRows } from '../../src/store/reading-rows.ts'

/** What a parser makes of a body: each reading, and how many were refused. */
function read(parser: ReadingParser, body: string) {
  const rows = new ReadingRows()
  const tally = new Tally()
  parser.parse(Buffer.from(body), rows, tally)
  const readings = Array.from({ length: rows.length }, (_, i) => ({
    record: rows.record[i],
    device: rows.devices[rows.device[i]!],
    ts: rows.ts[i],
    metrics: rows.shapes[rows.shape[i]!],
    values: [...rows.values.subarray(rows.start[i], rows.start[i + 1])],
  }))
  return { readings, read: tally.read, rejected: tally.rejected, problems: tally.problems }
}

const time = fc.oneof(
  fc.date({ min: new Date(0), max: new Date('2099-12-31'), noInvalidDate: true }).map((d) => d.toISOString()),
  fc
    .date({ min: new Date('1971-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
    .map((d) => d.toISOString().slice(0, 19)),
  fc.integer({ min: 0, max: 4e9 }),
  fc.double({ min: 0, max: 4e9, noNaN: true }),
  fc.constantFrom('2023-03-01T08:00:00+01:30', '2023-02-29', 'today', '', null, true),
)
const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.double({ min: -1000, max: 1000, noNaN: true }).map((v) => Math.round(v * 100) / 100),
  fc.constantFrom(0, -0, null, true, false, 'kitchen', '21.5', 'a "b" \\ c', 'ünï', [1, 2], [], {
    x: 1,
    y: null,
  }),
)
const record = fc.record(
  {
    id: fc.oneof(fc.constantFrom('pump', ' pump ', 'ünï', '', 7, null), fc.string()),
    timestamp: time,
    temperature: value,
    humidity: value,
    network: fc.record({ latency: value, loss: value }, { requiredKeys: [] }),
  },
  { requiredKeys: ['id', 'timestamp', 'temperature'] },
)

describe('reading lines', () => {
  it('gives the same by template as without', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 30 }), (records) => {
        const lines = records.map((r) => JSON.stringify(r))
        // A parser per line has no template; a body that is a list uses none.
        const list = read(new ReadingParser(), `[${lines.join(',')}]`)
        const parser = new ReadingParser()
        expect(read(parser, lines.join('\n'))).toEqual(list)
        // The second time every kind of line is known.
        expect(read(parser, lines.join('\r\n'))).toEqual(list)
      }),
      { seed: 1, numRuns: 300 },
    )
  })

  it('reads numbers to the last bit, and no numbers that JSON does not have', () => {
    const parser = new ReadingParser()
    const line = (number: string) => `{"id":"a","ts":1700000000,"v":${number}}`
    read(parser, line('1'))
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.integer({ min: 0, max: 20 }),
        (v, digits) => {
          for (const text of [String(v), Math.abs(v) < 1e21 ? v.toFixed(digits) : '0']) {
            expect(read(parser, line(text)).readings[0]?.values).toEqual([JSON.parse(text)])
          }
        },
      ),
      { seed: 1, numRuns: 1000 },
    )
    for (const wrong of [
      '01',
      '-',
      '1.',
      '.5',
      '+1',
      '1e999',
      'NaN',
      '0x10',
      'nul',
      'truee',
      '1 2',
      '--1',
      '',
    ]) {
      expect([wrong, read(parser, line(wrong)).rejected]).toEqual([wrong, 1])
    }
  })

  it('is not fooled by lines that begin or end like others', () => {
    const parser = new ReadingParser()
    const good = '{"id":"a","ts":1700000000,"v":1}'
    read(parser, good)
    for (const wrong of [
      good.slice(0, -1),
      `${good}}`,
      `${good}x`,
      good.slice(1),
      good.replace('"v"', '"v'),
      `${good},`,
    ]) {
      expect([wrong, read(parser, wrong).rejected]).toEqual([wrong, 1])
    }
    expect(read(parser, `\n\n${good}\n \n${good} `).readings.length).toBe(2)
  })
})

describe('times', () => {
  it('are those that Date knows, to the millisecond', () => {
    const range = { min: new Date(0), max: new Date('2099-12-31'), noInvalidDate: true }
    fc.assert(
      fc.property(fc.date(range), (date) => {
        const text = date.toISOString()
        expect(parseTime(text)).toBe(date.getTime() / 1000)
        expect(parseTime(text.slice(0, 19))).toBe(Math.floor(date.getTime() / 1000))
        expect(parseTime(text.slice(0, 10))).toBe(Date.parse(text.slice(0, 10)) / 1000)
      }),
      { seed: 1, numRuns: 2000 },
    )
  })

  it.each([
    ['2023-03-01T08:00:00+01:00', 1_677_654_000],
    ['2023-03-01 08:00', 1_677_657_600],
    ['2023-03-01T08:00:00.123456789Z', 1_677_657_600.123456],
    ['1677657600', 1_677_657_600],
    [1_677_657_600_000, 1_677_657_600],
    [1_677_657_600_000_000, 1_677_657_600],
    ['2023-02-29', Number.NaN],
    ['2023-13-01', Number.NaN],
    ['2023-03-01T24:00:00', Number.NaN],
    ['2023-03-01T08:00:00+1', Number.NaN],
    ['2200-01-01', Number.NaN],
    [-1, Number.NaN],
    [true, Number.NaN],
    ['soon', Number.NaN],
  ])('%s is %s', (text, seconds) => {
    expect(parseTime(text)).toBe(seconds)
  })
})
