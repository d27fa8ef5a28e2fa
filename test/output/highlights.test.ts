import { describe, expect, it } from 'vitest'
import { Random } from '../../src/kernels/random.ts'
import { Highlights } from '../../src/output/highlights.ts'
import { anomaly } from './sample.ts'

describe('Highlights', () => {
  it('counts by device and type', () => {
    const highlights = new Highlights()
    highlights.add([0.7, 0.9, 0.8].map((confidence) => anomaly({ confidence })))
    highlights.add([anomaly({ device: 'b', type: 'flood' })])
    expect(highlights.rankedDevices()).toMatchObject([
      { count: 3, highest: 0.9 },
      { device: 'b', count: 1 },
    ])
    expect([...highlights.types]).toEqual([
      ['unusual volume', 3],
      ['flood', 1],
    ])
  })

  it('keeps few time bins and loses no count, whatever the times', () => {
    const random = new Random(1)
    const highlights = new Highlights()
    for (let i = 0; i < 2000; i++) {
      const timestamp = i % 100 === 0 ? Number.NaN : 1.5e9 + random.float() * 10 ** (random.float() * 8)
      highlights.add([anomaly({ timestamp, device: `d${i % 3}` })])
    }
    const { first, last } = highlights.bins!
    expect(last - first).toBeLessThan(240)
    let counted = 0
    for (const device of highlights.devices.values()) {
      for (const [bin, n] of device.bins) {
        expect(bin).toBeGreaterThanOrEqual(first)
        expect(bin).toBeLessThanOrEqual(last)
        counted += n
      }
    }
    expect(counted).toBe(1980)
    expect(first * highlights.binWidth).toBeLessThanOrEqual(highlights.devices.get('d1')!.first)
  })

  it('has no timeline without times', () => {
    const highlights = new Highlights()
    highlights.add([anomaly({ timestamp: Number.NaN })])
    expect(highlights.bins).toBeUndefined()
    expect(highlights.rankedDevices()[0]!.first).toBeNaN()
  })
})
