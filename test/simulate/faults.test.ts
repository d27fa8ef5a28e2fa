import { describe, expect, it } from 'vitest'
import type { Incident } from '../../src/simulate/incident.ts'
import type { SimulatedReading } from '../../src/simulate/readings.ts'
import { FAULT_NAMES, simulate } from '../../src/simulate/simulation.ts'

const options = { devices: 20, hours: 48, faults: FAULT_NAMES, seed: 11 }
const faulty = simulate(options)
/** The same world without faults: reading for reading what would have been measured. */
const healthy = simulate({ ...options, faults: [] })
const all = [...faulty.readings()]
const healthyAt = new Map([...healthy.readings()].map((r) => [`${r.device} ${r.ts}`, r]))

function incident(type: string): Incident {
  return faulty.incidents.find((i) => i.type === type)!
}
/** Readings struck by a fault, with the value that should have been. */
function struck(
  type: string,
): { reading: SimulatedReading; value: number; truth: number; progress: number }[] {
  const i = incident(type)
  return all
    .filter((r) => r.incident === i.id)
    .map((reading) => ({
      reading,
      value: reading.metrics[i.variant]!,
      truth: healthyAt.get(`${reading.device} ${reading.ts}`)!.metrics[i.variant]!,
      progress: (reading.ts - i.start) / (i.end - i.start),
    }))
}
/** Standard deviation of the change from one reading to the next of the incident's metric while healthy. */
function restlessness(type: string): number {
  const i = incident(type)
  const values = all.filter((r) => r.device === i.device && r.ts < i.start).map((r) => r.metrics[i.variant]!)
  return deviation(values.slice(1).map((v, k) => v - values[k]!))
}
function deviation(values: readonly number[]): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length)
}

describe('sensor faults', () => {
  it('leave every other reading as it would have been', () => {
    const benign = all.filter((r) => r.label === 'Benign')
    expect(benign.length).toBeGreaterThan(20000)
    for (const r of benign) expect(healthyAt.get(`${r.device} ${r.ts}`)).toEqual(r)
  })

  it('spike: few readings, each far off', () => {
    const readings = struck('spike')
    expect(readings.length).toBeGreaterThan(0)
    expect(readings.length).toBeLessThan(40)
    const step = restlessness('spike')
    for (const { value, truth } of readings) expect(Math.abs(value - truth)).toBeGreaterThan(3 * step)
  })

  it('drift: grows steadily to far away', () => {
    const readings = struck('drift')
    expect(readings.length).toBeGreaterThan(100)
    const off = (from: number, to: number) => {
      const part = readings.filter((r) => r.progress >= from && r.progress < to)
      return part.reduce((sum, r) => sum + (r.value - r.truth), 0) / part.length
    }
    expect(Math.abs(off(0, 0.1))).toBeLessThan(Math.abs(off(0.9, 1)) / 5)
    expect(Math.abs(off(0.45, 0.55) / off(0.9, 1))).toBeCloseTo(0.53, 1)
  })

  it('stuck: one value while the truth moves on', () => {
    const readings = struck('stuck')
    expect(readings.length).toBeGreaterThan(30)
    expect(new Set(readings.map((r) => r.value)).size).toBe(1)
    expect(new Set(readings.map((r) => r.truth)).size).toBeGreaterThan(5)
  })

  it('noise: scatters several times as much as before', () => {
    const values = struck('noise').map((r) => r.value)
    expect(deviation(values.slice(1).map((v, k) => v - values[k]!))).toBeGreaterThan(
      3 * restlessness('noise'),
    )
  })

  it('dropout: long gaps between readings', () => {
    const i = incident('dropout')
    const times = all.filter((r) => r.device === i.device && r.ts >= i.start && r.ts < i.end).map((r) => r.ts)
    expect(times.length).toBeLessThan(0.35 * ((i.end - i.start) / 60))
    expect(struck('dropout').length).toBe(times.length)
  })
})

describe('readings', () => {
  it('come about once a minute from every sensor, metrics moving together and with the day', () => {
    const of = (device: string) => [...healthy.readings()].filter((r) => r.device === device)
    const thermostat = of('thermostat-1')
    expect(thermostat.length).toBeGreaterThan(48 * 60 * 0.97)
    expect(correlation(thermostat, 'temperature', 'humidity')).toBeLessThan(-0.5)
    expect(correlation(of('plc-1'), 'temperature', 'vibration')).toBeGreaterThan(0.8)
    expect(correlation(thermostat, 'network.latency', 'network.throughput')).toBeLessThan(-0.5)
    const { start } = healthy.options
    const work = (from: number, to: number) => {
      const part = of('vibration-sensor-1').filter((r) => {
        const hour = ((r.ts - start) / 3600) % 24
        return hour >= from && hour < to
      })
      return part.reduce((sum, r) => sum + r.metrics.vibration!, 0) / part.length
    }
    expect(work(9, 17)).toBeGreaterThan(1.5 * work(0, 4))
  })
})

function correlation(readings: readonly SimulatedReading[], a: string, b: string): number {
  const x = readings.map((r) => r.metrics[a]!)
  const y = readings.map((r) => r.metrics[b]!)
  const mean = (v: number[]) => v.reduce((p, q) => p + q, 0) / v.length
  const [mx, my] = [mean(x), mean(y)]
  const covariance = mean(x.map((v, i) => (v - mx) * (y[i]! - my)))
  return covariance / (deviation(x) * deviation(y))
}
