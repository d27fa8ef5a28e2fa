import { expect, it } from 'vitest'
import { rfc3339 } from '../../src/output/time.ts'

it('writes RFC 3339 in UTC with the decimals there are', () => {
  expect(rfc3339(0)).toBe('1970-01-01T00:00:00Z')
  expect(rfc3339(1540469302.53864)).toBe('2018-10-25T12:08:22.53864Z')
  expect(rfc3339(1540469302.9999998)).toBe('2018-10-25T12:08:23Z')
  expect(rfc3339(-0.5)).toBe('1969-12-31T23:59:59.5Z')
  expect(rfc3339(Number.NaN)).toBe('')
  expect(rfc3339(1e300)).toBe('')
  expect(rfc3339(253402300799.5)).toBe('9999-12-31T23:59:59.5Z')
  expect(rfc3339(253402300800)).toBe('')
})
