import { describe, expect, test } from 'vitest'
import {
  LocalNetworks,
  parseAddress,
  SCOPE_GROUP,
  SCOPE_LOCAL,
  SCOPE_OUTSIDE,
  SCOPE_UNKNOWN,
} from '../../src/schema/address.ts'

describe('parseAddress', () => {
  test.each([
    ['192.168.1.7', [192, 168, 1, 7]],
    ['::ffff:10.0.0.1', [10, 0, 0, 1]],
    ['fe80::1%eth0', [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['2001:DB8:0:1:2:3:4:5', [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5]],
    ['::', Array(16).fill(0)],
  ])('%s', (text, bytes) => {
    expect([...parseAddress(text)!]).toEqual(bytes)
  })

  test.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '1..2.3',
    'a.b.c.d',
    ':',
    '1::2::3',
    '1:2:3',
    'g::1',
    '::12345',
    '::1.2.3',
  ])('rejects "%s"', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })
})

test.each([
  ['10.1.2.3', SCOPE_LOCAL],
  ['172.31.0.1', SCOPE_LOCAL],
  ['172.32.0.1', SCOPE_OUTSIDE],
  ['192.168.0.1', SCOPE_LOCAL],
  ['169.254.3.4', SCOPE_LOCAL],
  ['100.127.1.1', SCOPE_LOCAL],
  ['127.0.0.1', SCOPE_LOCAL],
  ['fd12::1', SCOPE_LOCAL],
  ['fe80::1', SCOPE_LOCAL],
  ['febf::1', SCOPE_LOCAL],
  ['fec0::1', SCOPE_OUTSIDE],
  ['::1', SCOPE_LOCAL],
  ['2001:db8::1', SCOPE_OUTSIDE],
  ['8.8.8.8', SCOPE_OUTSIDE],
  ['224.0.0.251', SCOPE_GROUP],
  ['255.255.255.255', SCOPE_GROUP],
  ['192.168.1.255', SCOPE_GROUP],
  ['ff02::fb', SCOPE_GROUP],
  ['0.0.0.0', SCOPE_UNKNOWN],
  ['::', SCOPE_UNKNOWN],
  ['', SCOPE_UNKNOWN],
  ['printer.lan', SCOPE_UNKNOWN],
])('scope of %s', (text, scope) => {
  expect(new LocalNetworks().scope(text)).toBe(scope)
})
