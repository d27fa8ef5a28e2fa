import { describe, expect, test } from 'vitest'
import { DeviceResolver } from '../../src/devices/device-resolver.ts'
import { stringAt } from '../../src/schema/dictionary.ts'
import { type FlowBatch, FlowBatchBuilder, type FlowRecord } from '../../src/schema/flow-batch.ts'

function batchOf(flows: readonly FlowRecord[], names?: ReadonlyMap<string, string>): FlowBatch {
  const builder = new FlowBatchBuilder(Math.max(1, flows.length))
  for (const flow of flows) builder.add({ resp_pkts: 1, ...flow })
  return builder.finish(names)
}

/** 'device' or 'device<' when it is the responder, for each flow. */
function devices(flows: readonly FlowRecord[], resolver = new DeviceResolver()): string[] {
  const batch = resolver.assign(batchOf(flows))
  return flows.map((_, i) => stringAt(batch.device!, i) + (batch.device_is_orig![i] === 1 ? '' : '<'))
}

const camera = '02:00:00:00:00:01'
const router = '02:00:00:00:00:ff'

describe('without link-layer addresses', () => {
  test('the local side is the device, whichever opened the flow', () => {
    expect(
      devices([
        { orig_h: '192.168.1.7', resp_h: '93.184.216.34' },
        { orig_h: '93.184.216.34', resp_h: '192.168.1.7' },
        { orig_h: '2606:2800::1', resp_h: 'fd00::7' },
      ]),
    ).toEqual(['192.168.1.7', '192.168.1.7<', 'fd00::7<'])
  })

  test('between two devices it is the originator', () => {
    expect(devices([{ orig_h: '10.0.0.2', resp_h: '10.0.0.3' }])).toEqual(['10.0.0.2'])
  })

  test('multicast and broadcast are never the device', () => {
    expect(
      devices([
        { orig_h: '192.168.1.7', resp_h: '239.255.255.250' },
        { orig_h: '8.8.8.8', resp_h: '192.168.1.255' },
        { orig_h: '0.0.0.0', resp_h: '255.255.255.255' },
        { orig_h: 'fe80::1', resp_h: 'ff02::fb' },
      ]),
    ).toEqual(['192.168.1.7', '8.8.8.8', '0.0.0.0', 'fe80::1'])
  })

  test('a host with a public address is known by it, as the originator', () => {
    expect(devices([{ orig_h: '147.32.80.9', resp_h: '8.8.8.8' }])).toEqual(['147.32.80.9'])
  })

  test('--local says which networks are local, instead of the private ones', () => {
    const resolver = new DeviceResolver({ local: ['147.32.0.0/16'] })
    expect(
      devices(
        [
          { orig_h: '8.8.8.8', resp_h: '147.32.80.9' },
          { orig_h: '192.168.1.1', resp_h: '147.32.80.9' },
        ],
        resolver,
      ),
    ).toEqual(['147.32.80.9<', '147.32.80.9<'])
    expect(() => new DeviceResolver({ local: ['10.0.0.0/33'] })).toThrow(
      /expects the form .*got "10.0.0.0\/33"/,
    )
  })

  test('the scope of the peer is told', () => {
    const flows = [
      { orig_h: '10.0.0.2', resp_h: '10.0.0.3' },
      { orig_h: '8.8.8.8', resp_h: '10.0.0.3' },
      { orig_h: '10.0.0.2', resp_h: '224.0.0.1' },
      { orig_h: '10.0.0.2', resp_h: '' },
    ]
    expect([...new DeviceResolver().assign(batchOf(flows)).peer_scope!]).toEqual([1, 2, 3, 0])
  })
})

describe('with link-layer addresses', () => {
  const out = (orig_h: string, resp_h: string, orig_l2_addr = camera): FlowRecord => ({
    orig_h,
    resp_h,
    orig_l2_addr,
    resp_l2_addr: router,
  })

  test('IPv4, IPv6 and a new lease are one device', () => {
    expect(
      devices([
        out('192.168.1.7', '1.1.1.1'),
        out('fe80::7', 'fe80::1'),
        out('2001:db8:1::7', '2606:4700::1111'),
        out('192.168.1.99', '1.1.1.1'),
      ]),
    ).toEqual([camera, camera, camera, camera])
  })

  test('a gateway does not swallow the devices behind it', () => {
    const outside = ['1.1.1.1', '8.8.8.8', '9.9.9.9', '93.184.216.34', '151.101.1.1']
    const learned = outside.map((ip) => out('192.168.1.7', ip))
    // Another subnet, routed: its hosts appear with the gateway's MAC.
    const behind = (orig_h: string): FlowRecord => ({
      orig_h,
      resp_h: '192.168.1.7',
      orig_l2_addr: router,
      resp_l2_addr: camera,
    })
    expect(devices([...learned, behind('192.168.2.5'), behind('192.168.2.6')]).slice(5)).toEqual([
      '192.168.2.5',
      '192.168.2.6',
    ])
  })

  test('forged source addresses do not make a gateway of the attacker', () => {
    const flood = Array.from({ length: 50 }, (_, i) => ({
      ...out(`45.${i}.9.9`, '203.0.114.9'),
      resp_pkts: 0,
    }))
    expect(new Set(devices([...flood, out('192.168.1.7', '203.0.114.9')]))).toEqual(new Set([camera]))
  })

  test('of two public sides the one that is not behind the gateway is the device', () => {
    const honeypot = '147.32.80.9'
    const scans = Array.from({ length: 8 }, (_, i) => ({
      orig_h: `45.7.${i}.1`,
      resp_h: honeypot,
      orig_l2_addr: router,
      resp_l2_addr: camera,
    }))
    expect(devices(scans).at(-1)).toBe(`${camera}<`)
  })
})

test('cutting into batches changes nothing', () => {
  const flows = Array.from({ length: 400 }, (_, i) => ({
    orig_h: i % 3 ? `192.168.1.${i % 17}` : `45.${i % 50}.1.1`,
    resp_h: i % 5 ? `1.2.${i % 40}.4` : '192.168.1.3',
    orig_l2_addr: i % 3 ? `02:00:00:00:00:${String(i % 17).padStart(2, '0')}` : router,
    resp_l2_addr: i % 5 ? router : '02:00:00:00:00:03',
  }))
  const whole = devices(flows)
  for (const size of [1, 7, 100]) {
    const resolver = new DeviceResolver()
    const cut: string[] = []
    for (let i = 0; i < flows.length; i += size) cut.push(...devices(flows.slice(i, i + size), resolver))
    expect(cut).toEqual(whole)
  }
  expect(new Set(whole).size).toBeGreaterThan(10)
})

test('names are found by MAC and by address', () => {
  const resolver = new DeviceResolver()
  const names = new Map([
    ['192.168.1.7', 'porch-camera'],
    [router, 'fritz.box'],
  ])
  resolver.assign(
    batchOf(
      [{ orig_h: '192.168.1.7', resp_h: '1.1.1.1', orig_l2_addr: camera, resp_l2_addr: router }],
      names,
    ),
  )
  expect(resolver.nameOf(camera)).toBe('porch-camera')
  expect(resolver.nameOf('192.168.1.7')).toBe('porch-camera')
  expect(resolver.nameOf(router)).toBe('fritz.box')
  expect(resolver.nameOf('10.0.0.1')).toBeUndefined()
})
