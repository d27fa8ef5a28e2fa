import { describe, expect, it } from 'vitest'
import { InputError } from '../../../src/adapters/read-report.ts'
import { sharedData } from '../../shared-data.ts'
import { attempt, readBytes } from '../contract.ts'

const read = (text: string, options = {}) => readBytes(Buffer.from(text), options, undefined, 'traffic.csv')
async function refusal(text: string | Uint8Array, adapter?: string): Promise<string> {
  const result = await attempt(typeof text === 'string' ? Buffer.from(text) : text, adapter)
  if (result instanceof InputError) return result.message
  throw new Error(`was read: ${JSON.stringify(result.rows.slice(0, 2))}`)
}
const flowRows = (n: number) =>
  Array.from(
    { length: n },
    (_, i) => `2021-01-01 00:00:${10 + i},10.0.0.${i},4000,10.0.0.99,443,tcp,1.5,100,200`,
  ).join('\n')
const flowHeader =
  'Timestamp,Source IP,Source Port,Destination IP,Destination Port,Protocol,Duration,Bytes Sent,Bytes Received'

describe('tables of flows', () => {
  it('map their columns by synonyms', async () => {
    const { rows, report } = await read(`${flowHeader}\n${flowRows(12)}\n`)
    expect(rows[2]).toMatchObject({
      orig_h: '10.0.0.2',
      orig_p: 4000,
      resp_h: '10.0.0.99',
      resp_p: 443,
      proto: 6,
      duration: 1.5,
      orig_bytes: 100,
      resp_bytes: 200,
    })
    expect(Object.fromEntries(report.mapping)).toMatchObject({ orig_h: 'Source IP', ts: 'Timestamp' })
  })

  it.each([';', '\t', '|'])('with %j between the cells', async (delimiter) => {
    const { rows } = await read(`${flowHeader}\n${flowRows(12)}\n`.replaceAll(',', delimiter))
    expect(rows).toHaveLength(12)
    expect(rows[0]!.resp_p).toBe(443)
  })

  it('reject broken rows with place, expectation, value and remedy', async () => {
    const broken = [
      '2021-01-01 00:01:00,10.0.0.1,4000,10.0.0.99,443,tcp,abc,100,200',
      '2021-01-01 00:01:00,999.0.0.1,4000,10.0.0.99,443,tcp,1,100,200',
      '2021-01-01 00:01:00,10.0.0.1,70000,10.0.0.99,443,tcp,1,100,200',
      '2021-01-01 00:01:00,10.0.0.1',
      '2021-01-01 00:01:00,10.0.0.1,4000,10.0.0.99,443,tcp,1,100,200,300,400',
      '2021-01-01 00:01:00,10.0.0.1,4000,10.0.0.99,443,tcp,Infinity,100,200',
      'yesterday,10.0.0.1,4000,10.0.0.99,443,tcp,1,100,200',
      '2021-01-01 00:01:00,10.0.0.1,4000,10.0.0.99,443,tcp,1,-5,200',
    ]
    const { report, rows } = await read(`${flowHeader}\n${flowRows(40)}\n${broken.join('\n')}\n`)
    expect(rows).toHaveLength(40)
    expect(report.rejected).toBe(broken.length)
    expect(report.problems[0]).toEqual({
      place: 'traffic.csv:42',
      message: 'Duration expects seconds, 0 or more, got "abc"; correct or remove the row',
    })
    expect(report.problems[3]!.message).toMatch(/expects 9 columns as the header says, got 2/)
    expect(report.reasons.get('wrong number of columns')).toBe(2)
  })

  it('take a mapping for columns nobody could guess', async () => {
    const text = `a,b,c,d\n${Array.from({ length: 9 }, (_, i) => `10.0.0.${i},10.0.1.1,${i * 10},x`).join('\n')}\n`
    const { rows, report } = await read(text, { map: { orig_h: 'a', resp_h: 'b', orig_bytes: 'c' } })
    expect(rows[3]).toMatchObject({ orig_h: '10.0.0.3', resp_h: '10.0.1.1', orig_bytes: 30 })
    expect(report.unmapped).toEqual(['d'])
    await expect(read(text, { map: { orig_h: 'nope' } })).rejects.toThrow(
      /no column "nope".*it has a, b, c, d/,
    )
  })
})

describe('tables of readings', () => {
  it('without time and device are rows of numbers', async () => {
    const { rows, kinds } = await read('x,y,word\n1,2,a\n3,4,b\n5,,c\n')
    expect([...kinds]).toEqual(['readings'])
    expect(rows[2]).toEqual({
      ts: Number.NaN,
      device: 'traffic.csv',
      'metrics.x': 5,
      'metrics.y': Number.NaN,
    })
  })

  it('keep ground truth out of the metrics', async () => {
    const { rows } = await read(
      'timestamp,value,anomaly,changepoint\n2020-01-01 00:00:00,5,1,0\n2020-01-01 00:00:01,6,0,1\n',
    )
    expect(Object.keys(rows[0]!).filter((k) => k.startsWith('metrics'))).toEqual(['metrics.value'])
    expect(rows.map((r) => r.label)).toEqual(['anomaly', 'benign'])
  })

  it('know the column that names the device from one that numbers the rows', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => `${i},sensor${i % 4},${i / 3}`).join('\n')
    const { report } = await read(`id,sensor,t\n${rows}\n`)
    expect(report.mapping.get('device')).toBe('sensor')
    expect(report.unmapped).toEqual(['id'])
  })

  it('may come without header, in UTF-16, with a delimiter at the end of each row', async () => {
    const bare = await read('1,2.5\n2,3.5\n3,4.5\n')
    expect(bare.rows[1]).toMatchObject({ 'metrics.column 1': 2, 'metrics.column 2': 3.5 })
    const utf16 = await readBytes(Buffer.from('\uFEFFtime;wärme\n2020-01-01;1\n2020-01-02;2\n', 'utf16le'))
    expect(utf16.rows[1]).toMatchObject({ 'metrics.wärme': 2 })
    const trailing = await read('a,b\n1,2,\n3,4,\n5,6,\n')
    expect(trailing.rows).toHaveLength(3)
  })

  it.skipIf(!sharedData('skab/valve1/0.csv'))('SKAB and NAB files are read completely', async () => {
    const { readReadings } = await import('../../../src/adapters/read.ts')
    const skab = await readReadings(sharedData('skab/valve1/0.csv')!)
    expect([skab.length, skab.metrics.size]).toEqual([1147, 8])
    const nab = await readReadings(sharedData('nab/data/realTraffic/occupancy_6005.csv')!)
    expect([nab.length, ...nab.metrics.keys()]).toEqual([2380, 'value'])
  })
})

describe('what is no table', () => {
  it('is refused in words that help', async () => {
    expect(await refusal('')).toMatch(/is empty/)
    expect(await refusal('a,b,c\n')).toMatch(/header but no rows/)
    expect(await refusal('<!DOCTYPE html><html><body>404</body></html>')).toMatch(
      /HTML page, which no adapter reads/,
    )
    expect(await refusal(Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919) % 256))).toMatch(
      /binary data/,
    )
    expect(await refusal('Dear all,\n\nthe meeting is at noon.\nBring cake, please; thanks.\nBye')).toMatch(
      /no adapter reads/,
    )
    expect(await refusal('name,colour\nrose,red\nviolet,blue\n')).toMatch(/no numeric column.*name, colour/)
    expect(await refusal('PK\u0003\u0004zip')).toMatch(/ZIP archive/)
    expect(await refusal('just text\nwhich goes on\nand on, and on\n', 'csv')).toMatch(/not delimited text/)
    expect(await refusal('a,b\n1,2\n', 'pcap')).not.toBe('')
    expect(await refusal('a,b\n1,2\n', 'zeek')).not.toBe('')
    expect(await refusal('a,b\n1,2\n', 'nope')).toMatch(/unknown adapter "nope"; there are pcap/)
  })

  it('a quote that is never closed costs one row, not the file', async () => {
    const { report } = await read(`device,x\n${'a,1\n'.repeat(50)}"b,2\n${'c,3\n'.repeat(50)}`)
    expect([report.used, report.rejected]).toEqual([100, 1])
  })

  it('a line of two megabytes is rejected, the rest read', async () => {
    const { report } = await read(`device,x\n${'a,1\n'.repeat(50)}${'b'.repeat(2_000_000)},2\nc,3\n`)
    expect([report.used, report.rejected]).toEqual([51, 1])
  })
})

describe('tables as people have them', () => {
  const lines = (n: number, line: (i: number) => string) =>
    Array.from({ length: n }, (_, i) => line(i)).join('\n')

  it('with a decimal comma', async () => {
    const { rows, report } = await read(
      `time;machine;temp;count\n${lines(30, (i) => `0${1 + (i % 9)}.05.2024 00:00:01,5;m1;1.02${i % 10},25;${i}`)}\n`,
    )
    expect(rows[3]).toMatchObject({ 'metrics.temp': 1023.25, 'metrics.count': 3, device: 'm1' })
    expect(Number(rows[0]!.ts) % 60).toBe(1.5)
    expect(report.notes).toContain('numbers have a decimal comma')
    expect(report.rejected).toBe(0)
  })

  it.each(['a;b\n', '', 'a\tb\n'])(
    'with more decimal commas than delimiters, below the header %j',
    async (header) => {
      const delimiter = header.includes('\t') ? '\t' : ';'
      const { rows } = await read(`${header}${lines(30, (i) => `${i},25${delimiter}${i + 1},75`)}\n`)
      expect(rows).toHaveLength(30)
      expect(Object.values(rows[3]!)).toEqual(expect.arrayContaining([3.25, 4.75]))
    },
  )

  it('with semicolons inside the cells of a comma-separated one', async () => {
    const { rows } = await read(`a,b,tags\n${lines(30, (i) => `${i},${i + 1},x;y;z;w`)}\n`)
    expect(rows[3]).toMatchObject({ 'metrics.a': 3, 'metrics.b': 4 })
  })

  it('a comma that is none of a number stays', async () => {
    const { rows, report } = await read(
      `a;b\n${lines(30, (i) => `${i}.5;${i % 2 ? '1,2' : '3.5'}`)}\n7.5;x,y\n`,
    )
    expect(rows[0]).toMatchObject({ 'metrics.a': 0.5 })
    expect(report.notes.join()).not.toContain('decimal comma')
  })

  it('columns named by numbers, after one of row numbers', async () => {
    const { rows, report } = await read(`,0,1\n${lines(30, (i) => `${i},${i * 0.5},${-i}`)}\n`)
    expect(rows).toHaveLength(30)
    expect(rows[2]).toMatchObject({ 'metrics.0': 1, 'metrics.1': -2 })
    expect(report.mapping.has('column 1')).toBe(false)
  })

  it('y of 0 and 1 is the ground truth, beside x a coordinate', async () => {
    const table = (x: string) => `${x},y\n${lines(30, (i) => `${i * 0.5},${i % 10 === 0 ? 1 : 0}`)}\n`
    expect((await read(table('f0'))).rows[0]).toMatchObject({ label: 'anomaly', 'metrics.f0': 0 })
    expect((await read(table('x'))).rows[0]).toMatchObject({ 'metrics.y': 1 })
  })

  it('a further time is no metric', async () => {
    const { rows } = await read(
      `ts,received_at,temp\n${lines(30, (i) => `${1.6e9 + i},${1.6e9 + i + 2},20`)}\n`,
    )
    expect(Object.keys(rows[0]!)).not.toContain('metrics.received_at')
  })

  it('flows with date and time apart, and times of day alone', async () => {
    const table = (names: string, when: (i: number) => string) =>
      `${names},src_ip,dst_ip,dst_port,proto,bytes\n${lines(20, (i) => `${when(i)},10.0.0.1,10.0.0.2,443,tcp,${i}`)}\n`
    const apart = await read(table('Date,Time', (i) => `2024-05-01,12:00:${10 + i}`))
    expect(apart.rows[5]!.ts).toBe(Date.parse('2024-05-01T12:00:15Z') / 1000)
    const clock = await read(table('Time', (i) => `12:00:${10 + i}.5`))
    expect(clock.rows[5]!.ts).toBe(12 * 3600 + 15.5)
    expect(clock.report.notes).toContain('times have no date, taken as of 1 January 1970')
  })

  it('a column of words and numbers is left out with a reason', async () => {
    const mixed = `ts,a,b\n${lines(40, (i) => `${1.6e9 + i},${i % 2 ? 'hot' : i},${i}`)}\n`
    const { report } = await read(mixed)
    expect(report.notes.join()).toContain(
      'column a is left out: 20 of 40 sampled cells are no numbers, such as "hot"',
    )
    expect(await refusal(mixed.replaceAll(/,\d+$/gm, ',z'))).toContain('such as "hot"')
  })

  it('with a run of zeros after a crash', async () => {
    const { rows, report } = await read(
      `ts,temp\n${lines(30, (i) => `${1.6e9 + i},${i}`)}\n${'\0'.repeat(500)}\n${1.6e9 + 40},5\n`,
    )
    expect(rows).toHaveLength(31)
    expect(report.problems[0]!.place).toBe('traffic.csv:32')
    expect(await refusal(`a.csv${'\0'.repeat(95)}ts,temp\n1,2\n3,4\n`)).toContain('binary data')
  })

  it('a map with a misspelt field is refused with the fields there are', async () => {
    const table = `wann,temp\n${lines(30, (i) => `2024-05-01T10:00:${10 + i}Z,${i}`)}\n`
    await expect(read(table, { map: { tss: 'wann' } })).rejects.toThrow(
      /mapped to "tss".*none of the fields ts, device/,
    )
    expect((await read(table, { map: { heat: 'temp' } })).rows[4]).toMatchObject({ 'metrics.heat': 4 })
  })
})
