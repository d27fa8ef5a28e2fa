import { describe, expect, it } from 'vitest'
import { recogniseTime } from '../../../src/adapters/table/time-format.ts'

function read(text: string, sample: readonly string[] = [text]): number {
  return recogniseTime(sample)!.parse(Buffer.from(text), 0, Buffer.byteLength(text))
}
const utc = (iso: string) => Date.parse(iso) / 1000

describe('a column of times', () => {
  it.each([
    ['2021-06-06T15:59:46.457984+0200', utc('2021-06-06T13:59:46Z') + 0.457984],
    ['2021-06-06T15:59:46Z', utc('2021-06-06T15:59:46Z')],
    ['2021-06-06T15:59:46.5-05:30', utc('2021-06-06T21:29:46.5Z')],
    ['2020-03-09 10:14:33', utc('2020-03-09T10:14:33Z')],
    ['2018/12/18 14:00:00.075359', utc('2018-12-18T14:00:00Z') + 0.075359],
    ['2018/12/18', utc('2018-12-18T00:00:00Z')],
    ['31-Mar-19', utc('2019-03-31T00:00:00Z')],
    ['Dec 18, 2021 11:44:10.081753000 UTC', utc('2021-12-18T11:44:10Z') + 0.081753],
    ['07/25/2017 03:55:58 PM', utc('2017-07-25T15:55:58Z')],
    ['25/07/2017 12:05', utc('2017-07-25T12:05:00Z')],
    ['25/07/2017 12:05:07 AM', utc('2017-07-25T00:05:07Z')],
    ['29.02.2024 1:02:03', utc('2024-02-29T01:02:03Z')],
  ])('reads %s', (text, seconds) => expect(read(text)).toBeCloseTo(seconds, 5))

  it.each([
    ['1545403816.962094', 1_545_403_816.962094],
    ['1545403816962', 1_545_403_816.962],
    ['1545403816962094', 1_545_403_816.962094],
    ['1545403816962094000', 1_545_403_816.962094],
  ])('tells the unit of %s by its size', (text, seconds) => expect(read(text)).toBeCloseTo(seconds, 6))

  it('decides day or month first from the whole sample', () => {
    expect(read('5/7/2017 8:55', ['5/7/2017 8:55', '13/7/2017 8:55'])).toBe(utc('2017-07-05T08:55:00Z'))
    expect(read('5/7/2017 8:55', ['5/7/2017 8:55', '5/13/2017 8:55'])).toBe(utc('2017-05-07T08:55:00Z'))
    // Three days in a row or three months: the shorter span is the likelier one.
    expect(read('1/3/2017', ['1/3/2017', '2/3/2017', '3/3/2017'])).toBe(utc('2017-03-01T00:00:00Z'))
    expect(read('3/1/2017', ['3/1/2017', '3/2/2017', '3/3/2017'])).toBe(utc('2017-03-01T00:00:00Z'))
    expect(recogniseTime(['5/7/2017 8:55'])!.notes.join()).toMatch(/do not tell day from month/)
  })

  it('notes a missing zone, and only that', () => {
    expect(recogniseTime(['2020-03-09 10:14:33'])!.notes).toEqual(['times have no zone, taken as UTC'])
    expect(recogniseTime(['2020-03-09 10:14:33Z'])!.notes).toEqual([])
    expect(recogniseTime(['1545403816.96'])!.notes).toEqual([])
  })

  it.each([['hello'], ['192.168.1.1'], ['12:30'], ['2020-13-45'], ['30/02/2020'], ['a-b-c'], ['']])(
    'takes %j for no time',
    (text) => expect(recogniseTime([text])).toBeUndefined(),
  )
})
