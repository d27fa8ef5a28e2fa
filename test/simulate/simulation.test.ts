import { describe, expect, it } from 'vitest'
import { ATTACK_NAMES, FAULT_NAMES, type SimulationOptions, simulate } from '../../src/simulate/simulation.ts'

const BUSY: SimulationOptions = { devices: 20, hours: 4, attacks: ATTACK_NAMES, faults: FAULT_NAMES, seed: 3 }

describe('simulate', () => {
  it('gives the same flows and readings each time, and others for another seed', () => {
    const text = (o: SimulationOptions) => {
      const s = simulate(o)
      return { flows: JSON.stringify([...s.flows()]), readings: JSON.stringify([...s.readings()]) }
    }
    const s = simulate(BUSY)
    const first = text(BUSY)
    expect(JSON.stringify([...s.flows()]) === first.flows).toBe(true)
    expect(JSON.stringify([...s.flows()]) === first.flows).toBe(true)
    expect(JSON.stringify([...s.readings()]) === first.readings).toBe(true)
    expect(JSON.stringify([...s.readings()]) === first.readings).toBe(true)
    const other = text({ ...BUSY, seed: 4 })
    expect(other.flows === first.flows).toBe(false)
    expect(other.readings === first.readings).toBe(false)
  })

  it('orders flows, packets and readings by time, within the asked hours', () => {
    const { start, hours } = simulate(BUSY).options
    for (const records of [[...simulate(BUSY).flows()], [...simulate(BUSY).readings()]]) {
      expect(records.length).toBeGreaterThan(1000)
      for (let i = 1; i < records.length; i++) {
        expect(records[i]!.ts).toBeGreaterThanOrEqual(records[i - 1]!.ts)
      }
      expect(records[0]!.ts).toBeGreaterThanOrEqual(start - 1)
      expect(records.at(-1)!.ts).toBeLessThanOrEqual(start + hours * 3600 + 1)
    }
    let last = 0
    let unordered = 0
    for (const p of simulate({ ...BUSY, hours: 1 }).packets()) {
      if (p.time < last) unordered++
      last = p.time
    }
    expect(unordered).toBe(0)
  })

  it('keeps the first two thirds clean and labels what each incident does', () => {
    const s = simulate(BUSY)
    const quietUntil = s.options.start + (2 / 3) * s.options.hours * 3600
    expect(s.incidents.map((i) => i.type).sort()).toEqual([...ATTACK_NAMES, ...FAULT_NAMES].sort())
    const records = [...s.flows(), ...s.readings()]
    const harmful = records.filter((r) => r.label === 'Malicious')
    for (const incident of s.incidents) {
      expect(incident.start).toBeGreaterThanOrEqual(quietUntil)
      const own = harmful.filter(
        (r) =>
          r.detailed_label === incident.detailed_label &&
          ('orig_h' in r ? r.orig_h === incident.address : 'device' in r && r.device === incident.device),
      )
      expect(own.length, incident.description).toBeGreaterThan(0)
      for (const r of own) {
        expect(r.ts).toBeGreaterThanOrEqual(incident.start - 1)
        expect(r.ts).toBeLessThanOrEqual(incident.end + 1)
      }
    }
    expect(new Set(harmful.map((r) => r.detailed_label)).size).toBe(10)
    for (const r of records) if (r.label === 'Benign') expect(r.detailed_label).toBe('')
  })

  it('keeps everyday traffic as it is when attacks are added, but for source ports', () => {
    const plain = (o: SimulationOptions) =>
      [...simulate(o).flows()]
        .filter((f) => f.label === 'Benign')
        .map(
          (f) =>
            `${f.ts} ${f.orig_h} ${f.resp_h} ${f.resp_p} ${f.orig_bytes} ${f.resp_bytes} ${f.conn_state}`,
        )
    expect(plain(BUSY)).toEqual(plain({ ...BUSY, attacks: [], faults: [] }))
  })

  it('lays out any number of devices with addresses of their own', () => {
    for (const devices of [1, 7, 20, 700]) {
      const { hosts } = simulate({ devices })
      expect(hosts.length).toBe(devices)
      for (const key of ['ip', 'mac', 'name'] as const) {
        expect(new Set(hosts.map((h) => h[key])).size).toBe(devices)
      }
      for (const h of hosts) expect(h.mac).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
    }
    expect([...simulate({ devices: 1, hours: 1 }).flows()].length).toBeGreaterThan(10)
  })

  it('has days and nights, several protocols and failures as real networks do', () => {
    const flows = [...simulate({ devices: 20, hours: 24, seed: 1 }).flows()]
    const { start } = simulate().options
    const byPhone = (from: number, to: number) =>
      flows.filter((f) => {
        const hour = (f.ts - start) / 3600
        return f.orig_h === '192.168.1.23' && hour >= from && hour < to
      }).length
    expect(byPhone(18, 22)).toBeGreaterThan(4 * byPhone(1, 5))
    const services = new Set(flows.map((f) => f.service))
    for (const s of ['dns', 'ssl', 'http', 'mqtt', 'ntp', 'dhcp', 'mdns', 'ssdp', 'modbus', 'rtsp']) {
      expect(services).toContain(s)
    }
    const failed = flows.filter((f) => f.proto === 6 && ['S0', 'REJ'].includes(f.conn_state!)).length
    const tcp = flows.filter((f) => f.proto === 6).length
    expect(failed / tcp).toBeGreaterThan(0.001)
    expect(failed / tcp).toBeLessThan(0.05)
    expect(flows.filter((f) => f.orig_h!.includes(':')).length).toBeGreaterThan(50)
  })

  it('says what is wrong with an option', () => {
    expect(() => simulate({ attacks: ['smurf'] })).toThrow(
      'simulate knows the attacks scan, flood, beacon, exfiltration, bruteforce; got "smurf"',
    )
    expect(() => simulate({ faults: ['rust'] })).toThrow('got "rust"')
    expect(() => simulate({ devices: 0 })).toThrow('devices between 1 and 5000, got 0')
    expect(() => simulate({ hours: Number.NaN })).toThrow('hours between 0.1 and 8784, got NaN')
    expect(() => simulate({ devices: 2.5 })).toThrow('whole number')
    expect(() => simulate({ seed: 0.5 })).toThrow('whole number')
  })
})
