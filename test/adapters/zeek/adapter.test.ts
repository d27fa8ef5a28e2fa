import { describe, expect, it } from 'vitest'
import { readFlows } from '../../../src/adapters/read.ts'
import { stringAt } from '../../../src/schema/dictionary.ts'
import { sharedData } from '../../shared-data.ts'
import { readBytes } from '../contract.ts'
import { iot23Log } from '../samples.ts'

const read = (text: string) => readBytes(Buffer.from(text), {}, undefined, 'conn.log')
const row = (bytes: string, tail = '') =>
  `1545403816.962094\tCabc\t10.0.0.1\t4000\t10.0.0.2\t80\ttcp\thttp\t1.5\t${bytes}\t20\tSF${tail}`
const header =
  '#separator \\x09\n#unset_field\t-\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\n'

describe("Zeek's conn.log", () => {
  it('labels in each of the forms of IoT-23', async () => {
    const joined = await read(iot23Log(6))
    const tabs = await read(iot23Log(6).replaceAll('   ', '\t').replace('detailed-label', 'det_label'))
    expect(tabs.rows).toEqual(joined.rows)
    expect(joined.rows[0]).toMatchObject({ label: 'malicious', detailed_label: 'C&C', duration: Number.NaN })
    expect(joined.rows[1]).toMatchObject({ label: 'benign', detailed_label: '', duration: 3.139211 })
  })

  it('fields in any order, another separator, other words for unset', async () => {
    const { rows } = await read(
      '#separator \\x7c\n#unset_field|none\n#path|conn\n#fields|id.resp_h|ts|orig_bytes|id.orig_h\n10.0.0.2|5.5|none|10.0.0.1\n10.0.0.2|6.5|7|10.0.0.1\n',
    )
    expect(rows[0]).toMatchObject({ ts: 5.5, orig_bytes: Number.NaN, resp_h: '10.0.0.2', proto: 255 })
    expect(rows[1]!.orig_bytes).toBe(7)
  })

  it('comments before the header', async () => {
    const { rows } = await read(`# exported by hand\n#\n${header}${row('10')}\n`)
    expect(rows[0]).toMatchObject({ orig_h: '10.0.0.1', orig_bytes: 10 })
  })

  it('a new header midway changes the layout', async () => {
    const { rows } = await read(
      `${header}${row('10')}\n#close\t2020\n#fields\tid.orig_h\tid.resp_h\tts\n1.1.1.1\t2.2.2.2\t9\n`,
    )
    expect(rows).toHaveLength(2)
    expect(rows[1]).toMatchObject({ orig_h: '1.1.1.1', ts: 9 })
  })

  it('without header has the default fields', async () => {
    const { report, rows } = await read(`${row('10', '\tT\tF\t0\tShAD\t3\t180\t2\t100\t-')}\n`)
    expect(rows[0]).toMatchObject({ orig_bytes: 10, resp_pkts: 2, history: 'ShAD' })
    expect(report.notes[0]).toMatch(/no #fields header/)
  })

  it('rejects what is broken, with place and reason', async () => {
    const { report } = await read(
      `${header}${row('10')}\n${row('ten')}\nshort\tline\n${row('-')}\n${row('10', '\tmore')}\n`,
    )
    expect([report.used, report.rejected]).toEqual([2, 3])
    expect(report.problems[0]).toEqual({
      place: 'conn.log:6',
      message: 'orig_bytes expects a number, 0 or more, got "ten"; correct or remove the row',
    })
    expect(report.problems[1]!.message).toMatch(/expects 12 columns as the header says, got 2/)
  })

  it('numbers of every length are exact', async () => {
    const values = [
      '0',
      '7',
      '123456789',
      '1234567890',
      '123456789012345',
      '9007199254740993',
      '1e3',
      '18446744073709551615',
    ]
    const { rows } = await read(header + values.map((v) => `${row(v)}\n`).join(''))
    expect(rows.map((r) => r.orig_bytes)).toEqual(values.map(Number))
    const times = ['1545403816.962094', '0.000001', '1545403816', '12345678901.5', '1.1234567890123']
    const read2 = await read(
      header + times.map((t) => `${row('1').replace('1545403816.962094', t)}\n`).join(''),
    )
    expect(read2.rows.map((r) => r.ts)).toEqual(times.map(Number))
  })

  it('ids beyond ASCII come through', async () => {
    const { rows } = await read(
      `${header}${row('1').replace('Cabc', 'Cé€')}\n${row('1').replace('Cabc', '-')}\n${row('2')}\n`,
    )
    expect(rows.map((r) => r.uid)).toEqual(['Cé€', '', 'Cabc'])
  })

  it('the log of another protocol, or an empty one, is refused', async () => {
    await expect(read('#separator \\x09\n#path\tdns\n#fields\tts\tquery\n1\ta\n')).rejects.toThrow(
      /got the log of "dns"/,
    )
    await expect(read(header)).rejects.toThrow(/header but no rows/)
    await expect(read('#fields\ta\tb\n1\t2\n')).rejects.toThrow(/ts, orig_h, resp_h missing among a, b/)
  })

  it.skipIf(!sharedData('iot23/34-1'))(
    'IoT-23 34-1: all rows, both forms alike, the published counts',
    async () => {
      const joined = await readFlows(sharedData('iot23/34-1/conn.log.labeled')!)
      const tabs = await readFlows(sharedData('iot23/34-1/conn.log.labeled.tabs')!)
      expect(joined.length).toBe(23_145)
      expect(tabs.orig_bytes).toEqual(joined.orig_bytes)
      const labels: Record<string, number> = {}
      for (let i = 0; i < joined.length; i++) {
        const label = stringAt(joined.detailed_label!, i) || stringAt(joined.label!, i)
        labels[label] = (labels[label] ?? 0) + 1
      }
      expect(labels).toEqual({ benign: 1923, DDoS: 14_394, 'C&C': 6706, PartOfAHorizontalPortScan: 122 })
    },
  )
})
