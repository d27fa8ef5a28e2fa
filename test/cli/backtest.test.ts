import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connLog, motewatch } from './run.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-backtest-cli-'))
const log = join(folder, 'history.log')
beforeAll(() => writeFileSync(log, connLog(400, 60)))
afterAll(() => rmSync(folder, { recursive: true }))

const quick = ['--model', 'lof', '--workers', '1']

describe.concurrent('backtest', () => {
  it('tells a person what would have come, by device and day, and writes a report', async () => {
    const report = join(folder, 'replay.html')
    const args = ['backtest', '--input', log, '--train-on', '70%', '--report', report, ...quick]
    const { code, stdout, stderr } = await motewatch(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/Replayed 138 records from 2023-11-1\d/)
    expect(stdout).toMatch(
      /By the labels: \d+ of 60 attack records found; false alarms [\d.]+ alarms a device-day/,
    )
    expect(stdout).toMatch(/Device +Days +Alarms +a day +False alarms +Anomalies\n192\.168\.1\.3 /)
    expect(stdout).toMatch(/Alarms a day: 2023-11-1\d \d+/)
    expect(stdout).toMatch(/port scan {2}192\.168\.1\.3 searched/)
    expect(readFileSync(report, 'utf8')).toMatch(/^<!doctype html>[\s\S]*<svg[\s\S]*<\/html>\n$/)
  })

  it('prints one JSON document', async () => {
    const args = ['backtest', '--input', log, '--false-alarms', '1/device-day', '--json', ...quick]
    const { code, stdout } = await motewatch(args)
    expect(code).toBe(0)
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({
      records: 138,
      attacks: { records: 60 },
      trained: [{ kind: 'flows', promise: { accepted: '1/device-day' } }],
    })
    expect(result.devices.map((d: { device: string }) => d.device).sort()).toEqual([
      '192.168.1.2',
      '192.168.1.3',
      '192.168.1.4',
    ])
    expect(result.incidents[0].type).toBe('port scan')
  })

  it('refuses standard input and an unclear promise, and leaves no report behind', async () => {
    const report = join(folder, 'none.html')
    const failed = await motewatch(['backtest', '--input', '-', '--report', report], { input: '' })
    expect(failed.code).toBe(1)
    expect(failed.stderr).toMatch(/expects files or folders/)
    expect(existsSync(report)).toBe(false)
    const unclear = await motewatch(['backtest', '--input', log, '--false-alarms', 'few'])
    expect(unclear.code).toBe(2)
    expect(unclear.stderr).toMatch(/for example 1\/device-day/)
  })
})
