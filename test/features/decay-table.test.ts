import { expect, test } from 'vitest'
import { DecayTable } from '../../src/features/decay-table.ts'
import { hashText, mix } from '../../src/features/hash.ts'
import { rollBack, type Undo } from '../../src/schema/undo.ts'

function touch(table: DecayTable, key: string, ts: number, undo?: Undo): number {
  const slot = table.slot(hashText(key), mix(hashText(key), 7), undo)
  return table.add(slot, 0, 1, table.advance(slot, ts))
}

test('a counter fades by its time constant', () => {
  const table = new DecayTable(64, [60])
  touch(table, 'a', 0)
  expect(touch(table, 'a', 60)).toBeCloseTo(1 + Math.exp(-1), 12)
  expect(touch(table, 'a', 1e6)).toBeCloseTo(1, 12)
})

test('a late event has the weight it would have left', () => {
  const table = new DecayTable(64, [60])
  touch(table, 'a', 100)
  expect(touch(table, 'a', 40)).toBeCloseTo(1 + Math.exp(-1), 12)
})

test('growing forgets nothing', () => {
  const table = new DecayTable(1 << 20, [1e12])
  const keys = Array.from({ length: 40_000 }, (_, i) => `key ${i}`)
  for (const key of keys) touch(table, key, 1)
  expect(keys.filter((key) => touch(table, key, 2) < 1.5)).toEqual([])
})

test('a full table gives up the key unused for longest and stays in its memory', () => {
  const table = new DecayTable(8, [1e12])
  for (const [i, key] of [...'abcdwxyz'].entries()) touch(table, key, i)
  touch(table, 'a', 10)
  expect(touch(table, 'e', 11)).toBe(1)
  expect(touch(table, 'a', 12)).toBeCloseTo(3)
  expect(touch(table, 'b', 13)).toBe(1)
})

test('a look ahead is taken back, also where the table grew, keys were given up, or another look came in between', () => {
  for (const most of [8, 4096, 1 << 20]) {
    const table = new DecayTable(most, [60, 600], 2)
    for (let i = 0; i < 3000; i++) touch(table, `key ${i}`, i)
    const before = table.save()
    for (let look = 0; look < 3; look++) {
      const [outer, inner]: [Undo, Undo] = [[], []]
      const counts: number[] = []
      const touches = (from: number, undo: Undo) => {
        for (let i = from; i < from + 9000; i++) counts.push(touch(table, `key ${i % 7000}`, 4000 + i, undo))
      }
      touches(1000, outer)
      const between = table.save()
      touches(5000, inner)
      rollBack(inner)
      expect(table.save()).toEqual(between)
      touches(0, outer)
      expect(Math.max(...counts)).toBeGreaterThan(1)
      rollBack(outer)
      expect(table.save(), `look ${look} at up to ${most} keys`).toEqual(before)
    }
  }
})
