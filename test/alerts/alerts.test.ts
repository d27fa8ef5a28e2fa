import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { isForbidden } from '../../src/alerts/address.ts'
import { Alerts, type AlertsOptions } from '../../src/alerts/alerts.ts'
import { keepsQuiet } from '../../src/alerts/match.ts'
import { Limits, RuleIn } from '../../src/alerts/rule.ts'
import type { Incident } from '../../src/schema/incident.ts'
import { incidentEvent } from '../../src/store/news.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { postgresForTest } from '../store/databases.ts'
import { httpReceiver, type Receiver, smtpReceiver, tcpReceiver, udpReceiver } from './receivers.ts'

let folder: string
let store: Store
const opened: { close(): Promise<void> }[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'motewatch-alerts-'))
  store = await openStore(join(folder, 'test.db'))
})

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

async function alerts(options: Partial<AlertsOptions> = {}): Promise<Alerts> {
  const errors: unknown[] = []
  const made = new Alerts({
    store,
    allowLocal: true,
    agent: 'motewatch/test',
    backoff: [0.05, 0.05],
    timeout: 2000,
    onError: (error) => errors.push(error),
    ...options,
  })
  await made.start()
  opened.push({
    close: async () => {
      await made.stop()
      expect(errors).toEqual([])
    },
  })
  return made
}

async function receiver<T>(made: Promise<Receiver<T>>): Promise<Receiver<T>> {
  opened.push(await made)
  return made
}

function rule(target: z.input<typeof RuleIn>['target'], rest: Partial<z.input<typeof RuleIn>> = {}) {
  return RuleIn.parse({ name: 'attacks', target, ...rest })
}

let number = 0

/** Stores an incident and tells it, as live detection does. */
async function happens(
  about: Partial<Incident> = {},
  origin = 'live',
  uid = `x:${++number}`,
): Promise<number> {
  const incident = {
    id: 1,
    kind: 'flows',
    type: 'exfiltration',
    technique: { id: 'T1048', name: 'Exfiltration Over Alternative Protocol' },
    devices: [{ device: '00:80:f4:0b:c3:56', name: 'plc-1', count: 8 }],
    first: 1741300166,
    last: 1741300200.5,
    count: 8,
    confidence: 0.97,
    evidence: 5,
    description: '00:80:f4:0b:c3:56 carried data away to 203.0.113.56:443',
    ...about,
  } as Incident
  return store.transaction(async (tx) => {
    const id = (await tx.incidents.upsert([{ uid, origin, incident }])).get(uid)!
    await tx.events.append([incidentEvent(id, incident)])
    return id
  })
}

describe('webhook', () => {
  it('gets a signed alert once for an incident, whatever else becomes of it', async () => {
    const http = await receiver(httpReceiver())
    const running = await alerts()
    const made = (await running.add(
      rule({ kind: 'webhook', url: `http://127.0.0.1:${http.port}/hook?a=b`, secret: 'sixteen letters!' }),
      'ada',
    ))!
    const id = await happens({}, 'live', 'same')
    await expect.poll(() => http.received.length).toBe(1)
    await happens({ count: 16 }, 'live', 'same')
    await happens({ confidence: 0.5, count: 1 }, 'job:7')
    const other = await happens()
    await expect.poll(() => http.received.length).toBe(2)

    const [{ path, headers, body }] = http.received as [(typeof http.received)[0]]
    expect(path).toBe('/hook?a=b')
    const [, at, given] = /^t=(\d+),v1=(\w+)$/.exec(String(headers['motewatch-signature']))!
    expect(given).toBe(createHmac('sha256', 'sixteen letters!').update(`${at}.${body}`).digest('hex'))
    expect(Math.abs(Number(at) - Date.now() / 1000)).toBeLessThan(30)
    expect(JSON.parse(body)).toMatchObject({
      id: headers['motewatch-delivery'],
      rule: { id: made.id, name: 'attacks' },
      test: false,
      incident: {
        id,
        type: 'exfiltration',
        technique: 'T1048',
        devices: ['plc-1 (00:80:f4:0b:c3:56)'],
        first: '2025-03-06T22:29:26.000Z',
        count: 8,
        confidence: 0.97,
      },
      held_back: 0,
    })
    expect(JSON.parse(http.received[1]!.body).incident.id).toBe(other)
    await expect
      .poll(async () =>
        (await running.deliveries(made.id, 10)).map(({ state, attempts }) => [state, attempts]),
      )
      .toEqual([
        ['delivered', 1],
        ['delivered', 1],
      ])
    const events = await store.events.after(0)
    expect(events.filter(({ type }) => type === 'alert')).toHaveLength(2)
  })

  it('is tried again until it answers well, and given up at last', async () => {
    const http = await receiver(httpReceiver((n) => (n === 0 ? 500 : n === 1 ? 302 : 200)))
    const running = await alerts()
    const url = `http://127.0.0.1:${http.port}/`
    const made = (await running.add(rule({ kind: 'webhook', url }), 'ada'))!
    await happens()
    await expect.poll(() => http.received.length, { timeout: 8000 }).toBe(3)
    const ids = http.received.map(({ headers }) => headers['motewatch-delivery'])
    expect(new Set(ids).size).toBe(1)
    expect(http.received.map(({ path }) => path)).toEqual(['/', '/', '/'])

    const gone = (await running.add(
      rule({ kind: 'webhook', url: `http://127.0.0.1:${await freePort()}/` }, { name: 'gone' }),
      'ada',
    ))!
    await running.change(made.id, { enabled: false })
    await happens()
    await expect
      .poll(async () => (await running.deliveries(gone.id, 1))[0]?.state, { timeout: 8000 })
      .toBe('failed')
    const [failed] = await running.deliveries(gone.id, 1)
    expect(failed).toMatchObject({ attempts: 3, next_at: null })
    expect(failed!.last_error).toContain('ECONNREFUSED')
    expect(http.received).toHaveLength(3)
  })

  it('is sent after the next start what this one had no time for, and nothing twice', async () => {
    const port = await freePort()
    const first = await alerts({ backoff: [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2] })
    await first.add(rule({ kind: 'webhook', url: `http://127.0.0.1:${port}/` }), 'ada')
    await happens()
    await sleep(300)
    await first.stop()
    const missed = await happens()
    const http = await receiver(httpReceiver())
    const second = await alerts()
    const [made] = await second.rules()
    await second.change(made!.id, { target: { kind: 'webhook', url: `http://127.0.0.1:${http.port}/` } })
    await expect.poll(() => http.received.length, { timeout: 8000 }).toBe(2)
    await sleep(300)
    expect(http.received.map(({ body }) => JSON.parse(body).incident.id).toSorted()).toEqual([
      missed - 1,
      missed,
    ])
  })

  it.for(['SQLite', 'PostgreSQL'])(
    'is told once when two processes follow the same %s',
    async (kind, test) => {
      if (kind === 'PostgreSQL') {
        const database = await postgresForTest('alerts')
        if (!database) return test.skip()
        await store.close()
        store = await openStore(database.url)
      }
      const http = await receiver(httpReceiver())
      const running = await alerts()
      await alerts()
      await running.add(rule({ kind: 'webhook', url: `http://127.0.0.1:${http.port}/` }), 'ada')
      for (let i = 0; i < 10; i++) await happens()
      await expect.poll(() => http.received.length, { timeout: 8000 }).toBe(10)
      await sleep(500)
      const ids = http.received.map(({ body }) => JSON.parse(body).incident.id)
      expect(new Set(ids).size).toBe(10)
      expect(ids).toHaveLength(10)
    },
  )

  it('never goes to this machine or its link unless that is allowed', async () => {
    const http = await receiver(httpReceiver())
    const running = await alerts({ allowLocal: false, backoff: [] })
    for (const host of [
      '127.0.0.1',
      'localhost',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '0.0.0.0',
      '127.1',
      '2130706433',
    ]) {
      const url = `http://${host}:${http.port}/`
      const made = (await running.add(rule({ kind: 'webhook', url }, { name: host }), 'ada'))!
      await expect(running.test(made)).rejects.toThrow(/this machine/)
    }
    for (const address of [
      '169.254.169.254',
      '::ffff:169.254.169.254',
      '64:ff9b::7f00:1',
      'fe80::1',
      '224.0.0.1',
    ]) {
      expect(isForbidden(address), address).toBe(true)
    }
    for (const address of ['192.168.1.5', '10.0.0.1', '203.0.113.7', '2001:db8::1']) {
      expect(isForbidden(address), address).toBe(false)
    }
    expect(http.received).toHaveLength(0)
  })
})

describe('e-mail', () => {
  it('arrives as plain text, and nothing in a device name becomes a header', async () => {
    const smtp = await receiver(smtpReceiver())
    const running = await alerts()
    await running.add(
      rule({
        kind: 'email',
        host: '127.0.0.1',
        port: smtp.port,
        security: 'none',
        from: 'motewatch@example.org',
        to: ['ada@example.org', 'bob@example.org'],
      }),
      'ada',
    )
    await happens({
      devices: [{ device: '10.0.0.1', name: 'plc\r\nBcc: eve@example.org', count: 1 }],
      description: 'plc\r\n.\r\ncarried data away',
    })
    await expect.poll(() => smtp.received.length).toBe(1)
    const [head, body] = smtp.received[0]!.split('\n\n', 2) as [string, string]
    expect(head).toContain('To: ada@example.org, bob@example.org')
    expect(head).toMatch(/^Subject: Motewatch: exfiltration x8 plc Bcc/m)
    expect(head).not.toMatch(/^Bcc/m)
    expect(body).toContain('carried data away')
  })

  it('logs in only where that is encrypted', async () => {
    const smtp = await receiver(smtpReceiver({ user: 'ada', password: 'secret' }))
    const target = {
      kind: 'email' as const,
      host: '127.0.0.1',
      port: smtp.port,
      user: 'ada',
      password: 'secret',
      from: 'motewatch@example.org',
      to: ['ada@example.org'],
    } satisfies z.input<typeof RuleIn>['target']
    expect(RuleIn.safeParse({ name: 'x', target: { ...target, security: 'none' } }).success).toBe(false)
    const running = await alerts()
    const made = (await running.add(rule(target), 'ada'))!
    // The server offers no STARTTLS: nothing is sent to it.
    await expect(running.test(made)).rejects.toThrow(/STARTTLS|TLS/i)
    expect(smtp.received).toHaveLength(0)
  })
})

describe('syslog', () => {
  it.each([
    ['udp', udpReceiver],
    ['tcp', tcpReceiver],
  ] as const)('arrives over %s in the form of RFC 5424', async (transport, make) => {
    const syslog = await receiver<string>(make())
    const running = await alerts()
    await running.add(rule({ kind: 'syslog', host: '127.0.0.1', port: syslog.port, transport }), 'ada')
    await happens({ description: 'a "quoted" ]text\nof two lines' })
    await expect.poll(() => syslog.received.length).toBe(1)
    let message = syslog.received[0]!
    if (transport === 'tcp') {
      const [, length, rest] = /^(\d+) (.*)$/s.exec(message)!
      expect(Buffer.byteLength(rest!)).toBe(Number(length))
      message = rest!
    }
    expect(message).toMatch(
      /^<131>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ motewatch \d+ incident \[motewatch@32473 (\w+="([^"\\\]]|\\["\\\]])*" ?)+\] \uFEFF/,
    )
    expect(message).toContain('type="exfiltration"')
    expect(message).not.toContain('\n')
  })
})

describe('rules', () => {
  it('ask for devices, types, confidence and where from', async () => {
    const http = await receiver(httpReceiver())
    const running = await alerts()
    const target = { kind: 'webhook', url: `http://127.0.0.1:${http.port}/` } as const
    const match = { devices: ['plc-1', '10.0.0.9'], types: ['spike', 'drift'], confidence: 0.8 }
    await running.add(rule(target, { match }), 'ada')
    await happens({ type: 'exfiltration' })
    await happens({ type: 'spike', confidence: 0.7 })
    await happens({ type: 'spike', devices: [{ device: 'other', count: 1 }] })
    await happens({ type: 'spike' }, 'job:3')
    const told = [
      await happens({ type: 'spike' }),
      await happens({ type: 'drift', devices: [{ device: '10.0.0.9', count: 1 }] }),
    ]
    // One that becomes what the rule is about is told then.
    await happens({ type: 'spike', confidence: 0.5 }, 'live', 'grows')
    told.push(await happens({ type: 'spike', confidence: 0.9 }, 'live', 'grows'))
    await expect.poll(() => http.received.length, { timeout: 5000 }).toBe(3)
    expect(http.received.map(({ body }) => JSON.parse(body).incident.id).toSorted()).toEqual(told.toSorted())
  })

  it('keep quiet between two alerts, and count what they kept back', async () => {
    const http = await receiver(httpReceiver())
    const running = await alerts()
    const target = { kind: 'webhook', url: `http://127.0.0.1:${http.port}/` } as const
    const made = (await running.add(rule(target, { limits: { pause: 1 } }), 'ada'))!
    for (let i = 0; i < 3; i++) await happens()
    await expect.poll(async () => (await running.deliveries(made.id, 10)).length).toBe(3)
    await sleep(1100)
    await happens()
    await expect.poll(() => http.received.length).toBe(2)
    expect(http.received.map(({ body }) => JSON.parse(body).held_back)).toEqual([0, 2])
    expect((await running.deliveries(made.id, 10)).map(({ state }) => state)).toEqual([
      'delivered',
      'quiet',
      'quiet',
      'delivered',
    ])
  })

  it('keep quiet in their hours, in their zone, except about what is certain', () => {
    const limits = Limits.parse({
      quiet: { from: '22:00', to: '07:00', zone: 'Europe/Berlin', except: 0.99 },
    })
    const at = (time: string) => Date.parse(`2025-07-01T${time}Z`) / 1000
    // Berlin is two hours ahead of UTC in July.
    expect(keepsQuiet(limits, 0.9, at('19:59'), undefined)).toBe(false)
    expect(keepsQuiet(limits, 0.9, at('20:00'), undefined)).toBe(true)
    expect(keepsQuiet(limits, 0.9, at('04:59'), undefined)).toBe(true)
    expect(keepsQuiet(limits, 0.9, at('05:00'), undefined)).toBe(false)
    expect(keepsQuiet(limits, 0.995, at('23:00'), undefined)).toBe(false)
    const noon = Limits.parse({ quiet: { from: '12:00', to: '13:00' } })
    expect(keepsQuiet(noon, 0.9, at('12:30'), undefined)).toBe(true)
    expect(keepsQuiet(noon, 0.9, at('13:00'), undefined)).toBe(false)
  })

  it.for(['SQLite', 'PostgreSQL'])(
    'send one summary of what quiet hours kept back once they are over, after a restart too, on %s',
    async (kind, test) => {
      if (kind === 'PostgreSQL') {
        const database = await postgresForTest('quiet hours')
        if (!database) return test.skip()
        await store.close()
        store = await openStore(database.url)
      }
      const http = await receiver(httpReceiver())
      const told = () => http.received.map(({ body }) => JSON.parse(body))
      let clock = Date.parse('2025-07-01T23:00:00Z') / 1000
      const options = { now: () => clock, look: 50 }
      const night = await alerts(options)
      const target = { kind: 'webhook', url: `http://127.0.0.1:${http.port}/` } as const
      const limits = { pause: 60, quiet: { from: '22:00', to: '07:00', except: 0.99 } }
      const made = (await night.add(rule(target, { limits }), 'ada'))!
      const deliveries = async () =>
        (await night.deliveries(made.id, 10)).map(({ state }) => state).toReversed()
      const camera = [{ device: 'camera', count: 1 }]
      await happens({ confidence: 0.7, devices: camera }, 'live', 'a')
      const strongest = await happens({ confidence: 0.6, type: 'port scan' }, 'live', 'b')
      await happens({ confidence: 0.8, devices: camera }, 'live', 'c')
      await expect.poll(deliveries).toEqual(['quiet', 'quiet', 'quiet'])
      // It goes on, and nobody is told yet.
      await happens({ confidence: 0.95, type: 'port scan', count: 40 }, 'live', 'b')
      await sleep(300)
      expect(told()).toEqual([])
      // One that becomes too certain to wait for the morning is told in the night, and not again.
      clock += 3600
      const certain = await happens({ confidence: 0.995, devices: camera }, 'live', 'c')
      await expect.poll(() => told().map(({ incident }) => incident.id)).toEqual([certain])
      await night.stop()

      clock = Date.parse('2025-07-02T06:59:59Z') / 1000
      await alerts(options)
      const morning = await alerts(options)
      await sleep(300)
      expect(told()).toHaveLength(1)
      clock += 1
      await expect.poll(() => told().length).toBe(2)
      expect(told()[1]).toMatchObject({
        incident: { id: strongest, type: 'port scan', count: 40, confidence: 0.95 },
        held_back: 1,
        summary: {
          count: 2,
          from: '2025-07-01T23:00:00.000Z',
          to: '2025-07-01T23:00:00.000Z',
          devices: [
            { device: 'plc-1 (00:80:f4:0b:c3:56)', incidents: 1, confidence: 0.95 },
            { device: 'camera', incidents: 1, confidence: 0.7 },
          ],
        },
      })
      // A day with a pause in it needs no summary, and the next night has one of its own.
      clock += 3600
      await happens()
      await happens()
      await expect.poll(() => told().length).toBe(3)
      expect(told()[2]).toMatchObject({ held_back: 0 })
      expect(told()[2]).not.toHaveProperty('summary')
      await sleep(300)
      expect(told()).toHaveLength(3)
      clock = Date.parse('2025-07-02T22:30:00Z') / 1000
      const second = await happens()
      await expect.poll(deliveries).toHaveLength(8)
      clock = Date.parse('2025-07-03T09:00:00Z') / 1000
      await expect.poll(() => told().length).toBe(4)
      expect(told()[3]).toMatchObject({ incident: { id: second }, summary: { count: 1 } })
      expect((await morning.deliveries(made.id, 1))[0]).toMatchObject({ incident_id: null })
    },
  )

  it('keep a secret only as long as the receiver is the same', async () => {
    const running = await alerts()
    const made = (await running.add(rule({ kind: 'webhook', url: 'https://example.org/a' }), 'ada'))!
    const secret = (r: typeof made) => (r.target.kind === 'webhook' ? r.target.secret : undefined)
    expect(secret(made)).toMatch(/^[\w-]{43}$/)
    const same = await running.change(made.id, { target: { kind: 'webhook', url: 'https://example.org/a' } })
    expect(secret(same!)).toBe(secret(made))
    const other = await running.change(made.id, { target: { kind: 'webhook', url: 'https://example.com/a' } })
    expect(secret(other!)).not.toBe(secret(made))
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  await new Promise((done) => server.close(done))
  return port
}
