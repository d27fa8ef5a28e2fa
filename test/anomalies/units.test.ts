import { expect, it } from 'vitest'
import { humanise, humaniseRange } from '../../src/anomalies/units.ts'

it.each([
  [1, 'bytes', '1 byte'],
  [999, 'bytes', '999 bytes'],
  [1_234_567, 'bytes', '1.23 MB'],
  [5e9, 'bytes/s', '5 GB/s'],
  [0.0042, 's', '4.2 ms'],
  [3.4, 's', '3.4 s'],
  [5003, 'ms', '5 s'],
  [0.00884, 'flows', '0 flows'],
  [2.648, 'flows', '2.6 flows'],
  [12.7, 'flows', '12.7 flows'],
  [600, 's', '10 min'],
  [90_000, 's', '25 h'],
  [4812, 'packets', '4,812 packets'],
  [1, 'packets', '1 packet'],
  [1, 'packets/s', '1 packet/s'],
  [21.456, '°C', '21.5 °C'],
  [0.5, '', '0.5'],
  [-12.345, '', '-12.3'],
  [Number.NaN, 's', 'unknown'],
])('%f %s reads %s', (value, unit, text) => {
  expect(humanise(value, unit)).toBe(text)
})

it('writes a range with one unit where both ends share it', () => {
  expect(humaniseRange(40, 310, 'bytes')).toBe('40–310 bytes')
  expect(humaniseRange(40, 3100, 'bytes')).toBe('40 bytes–3.1 kB')
  expect(humaniseRange(0, 6, '')).toBe('0–6')
  expect(humaniseRange(-1.2, 1.18, '°C')).toBe('-1.2 to 1.18 °C')
  expect(humaniseRange(1, 7.1, 'flows')).toBe('1–7.1 flows')
  expect(humaniseRange(0.2, 40, 's')).toBe('200 ms–40 s')
  expect(humaniseRange(3, 3, 's')).toBe('3 s')
})
