import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { InputError } from '../../../src/adapters/read-report.ts'
import { sharedData } from '../../shared-data.ts'
import { conversation, ethernet, icmp, ip, pcap, pcapng, type Timed, udp } from './packets.ts'
import { flowsOf } from './read.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-pcap-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Traffic of many kinds. */
function traffic(flows: number): Timed[] {
  const packets: Timed[] = []
  for (let i = 0; i < flows; i++) {
    const host = `10.0.${i % 5}.${1 + (i % 17)}`
    const ts = 1000 + i * 0.37
    packets.push(...conversation(host, 30000 + i, '10.9.0.2', i % 2 ? 80 : 7777, ts))
    packets.push({ ts: ts + 0.1, data: ethernet(udp(host, 20000 + i, '10.9.0.3', 53, 'x'.repeat(20))) })
    packets.push({ ts: ts + 0.2, data: ethernet(icmp(host, '10.9.0.4', 8, 0)) })
    packets.push({ ts: ts + 0.3, data: ethernet(udp(`fd00::${i + 1}`, 20000, 'fd00::ffff', 9999, 'y')) })
    packets.push({
      ts: ts + 0.4,
      data: ethernet(ip(host, '10.9.0.5', 4, udp('10.7.0.1', 1, '10.7.0.2', 2, 'z'))),
    })
    packets.push({ ts: ts + 0.5, data: ethernet(ip(host, '10.9.0.6', 17, new Uint8Array(24), 0x2000)) })
  }
  return packets.sort((x, y) => x.ts - y.ts)
}

test('damaged captures never throw anything but InputError, and every packet is counted', async () => {
  const samples = [pcap(traffic(2)), pcapng(traffic(2)), pcap(traffic(2), { link: 113 })]
  await fc.assert(
    fc.asyncProperty(
      fc.nat(samples.length - 1),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 40 }),
      fc.option(fc.nat()),
      fc.integer({ min: 1, max: 5000 }),
      async (sample, changes, cut, chunk) => {
        let bytes = samples[sample]!.slice()
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        if (cut !== null) bytes = bytes.slice(0, cut % bytes.length)
        try {
          const { flows, report } = await flowsOf(bytes)
          const pieces = await flowsOf(bytes, { chunk, batchSize: 3 })
          expect(pieces.flows).toEqual(flows)
          expect([pieces.report.used, pieces.report.rejected]).toEqual([report.used, report.rejected])
          expect(report.used).toBeGreaterThanOrEqual(0)
          expect(report.read).toBe(pieces.report.read)
          expect([...report.reasons.values()].reduce((n, x) => n + x, 0)).toBe(report.rejected)
          // A packet takes part in at most five flows, one inside the other.
          const counted = flows.reduce((n, f) => n + f.pkts[0] + f.pkts[1], 0)
          expect(counted).toBeLessThanOrEqual(5 * report.used)
          for (const f of flows)
            expect([f.duration >= 0 || Number.isNaN(f.duration), f.missed >= 0]).toEqual([true, true])
        } catch (error) {
          expect(error).toBeInstanceOf(InputError)
        }
      },
    ),
    { numRuns: 80, seed: 7 },
  )
})

test('random bytes behind a capture header', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 2000 }),
      fc.constantFrom(0, 1, 9, 101, 105, 113, 127, 276),
      async (noise, link) => {
        const { report } = await flowsOf(pcap([{ ts: 1, data: noise }], { link }))
        expect(report.read).toBe(1)
      },
    ),
    { numRuns: 150, seed: 11 },
  )
})

test('a worker gives the same flows in the same order', async () => {
  const path = join(folder, 'many.pcap')
  writeFileSync(path, pcap(traffic(4000)))
  const single = await flowsOf(path)
  expect(single.flows.length).toBeGreaterThan(2000)
  const several = await flowsOf(path, { worker: true })
  expect(several.flows).toEqual(single.flows)
  for (const key of ['used', 'rejected', 'reasons', 'problems', 'notes', 'dialect'] as const) {
    expect(several.report[key]).toEqual(single.report[key])
  }
  expect(several.names).toEqual(single.names)
})

test('an error in a worker is the same error', async () => {
  const path = join(folder, 'wrong.pcap')
  writeFileSync(path, 'this is not a capture at all')
  await expect(flowsOf(path, { worker: true })).rejects.toThrow(InputError)
})

test('a clock that jumps does not stop the emission', async () => {
  const packets = traffic(20)
  packets.splice(30, 0, { ts: 4e9, data: ethernet(udp('10.0.0.1', 1, '10.0.0.2', 2, 'far future')) })
  const { flows, report } = await flowsOf(pcap(packets))
  expect(report.used).toBe(packets.length - 20)
  expect(flows.some((f) => f.ts === 4e9)).toBe(true)
})

const malformed = sharedData('pcap/malformed')
describe.skipIf(!malformed)('real hostile captures', () => {
  test('pass with a clear result', async () => {
    for (const name of readdirSync(malformed!).filter((f) => /\.pcap(ng)?$/.test(f))) {
      try {
        const { report } = await flowsOf(join(malformed!, name))
        expect(report.read, name).toBeGreaterThanOrEqual(0)
      } catch (error) {
        expect(error, name).toBeInstanceOf(InputError)
      }
    }
  })
})
