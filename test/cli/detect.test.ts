import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connLog, motewatch, type Result } from './run.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-detect-'))
const models = join(folder, 'models')
const normal = join(folder, 'normal.log')
const today = join(folder, 'today.log')
const quick = ['--models', models, '--workers', '1']
let trained: Result

beforeAll(async () => {
  writeFileSync(normal, connLog(1500))
  writeFileSync(today, connLog(300, 60))
  trained = await motewatch([
    'train',
    '--input',
    normal,
    '--output-dir',
    models,
    '--model',
    'isolation-forest',
  ])
})
afterAll(() => rmSync(folder, { recursive: true }))

describe.concurrent('train', () => {
  it('says what was learned, where it is and what is next', () => {
    expect(trained).toMatchObject({ code: 0, stderr: '' })
    expect(trained.stdout).toContain('1,500 rows = 1,500 used + 0 rejected')
    expect(trained.stdout).toContain('Model for flows: isolation-forest')
    expect(trained.stdout).toMatch(/dropped \d+ features/)
    expect(trained.stdout).toContain(`motewatch detect --input ${normal} --models ${models}`)
    expect(readdirSync(models)).toEqual(['flows.model'])
  })

  it('with --json prints the card; the same seed gives the same file', async () => {
    const dir = join(folder, 'again')
    const args = ['train', '--input', normal, '--output-dir', dir, '--model', 'isolation-forest', '--json']
    const { code, stdout, stderr } = await motewatch([...args, '--workers', '1'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      models: dir,
      trained: [{ kind: 'flows', devices: 3, contamination: 0.01, seed: 0 }],
      sources: [{ read: 1500, used: 1500, rejected: 0 }],
    })
    expect(readFileSync(join(dir, 'flows.model'))).toEqual(readFileSync(join(models, 'flows.model')))
  })

  it('learns from the rows it is told to', async () => {
    const dir = join(folder, 'part')
    const args = ['train', '--input', today, '--benign', '--first', '50%', '--output-dir', dir]
    const { code, stdout } = await motewatch([...args, '--model', 'isolation-forest', '--json'])
    expect(code).toBe(0)
    const [card] = JSON.parse(stdout).trained
    expect(card.to).toBeLessThan(1700000000 + 151 * 40)
  })

  it('fails when there is nothing to learn from', async () => {
    const dir = join(folder, 'none')
    const { code, stdout, stderr } = await motewatch(['train', '--input', '-', '--output-dir', dir])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^motewatch: <stdin> is empty.*\n$/)
    expect(existsSync(dir)).toBe(false)
  })
})

describe.concurrent('detect', () => {
  it('tells a person who did what, and what to do next', async () => {
    const { code, stdout, stderr } = await motewatch(['detect', '--input', today, ...quick])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('360 rows = 360 used + 0 rejected')
    expect(stdout).toMatch(/\d+ anomalies in 360 records at threshold/)
    expect(stdout).toMatch(/Device +Anomalies +Mostly +Highest confidence\n192\.168\.1\.3 /)
    expect(stdout).toContain('--output anomalies.csv')
    // No colour without a terminal.
    expect(stdout).not.toContain('\u001b')
  })

  it('writes CSV and report, complete or not at all', async () => {
    const csv = join(folder, 'out', 'results.csv')
    const html = join(folder, 'out', 'report.html')
    const args = [
      'detect',
      '--input',
      today,
      '--output',
      csv,
      '--report',
      html,
      '--fail-on-anomaly',
      ...quick,
    ]
    const { code, stdout } = await motewatch(args)
    expect(code).toBe(3)
    const [head, ...rows] = readFileSync(csv, 'utf8').trimEnd().split('\n')
    expect(head).toMatch(
      /^device,device_name,timestamp,type,confidence,p_value,description,affected_features/,
    )
    expect(stdout).toContain(`All ${rows.length} anomalies are in ${csv}.`)
    expect(rows.filter((row) => row.startsWith('192.168.1.3,')).length).toBeGreaterThan(50)
    expect(readFileSync(html, 'utf8')).toContain(`${rows.length} anomalies`)
    expect(readdirSync(join(folder, 'out')).sort()).toEqual(['report.html', 'results.csv'])
  })

  it('with --json prints one document with all anomalies', async () => {
    const { code, stdout, stderr } = await motewatch(['detect', '--input', today, '--json', ...quick])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { anomalies, summary, sources } = JSON.parse(stdout)
    expect(anomalies).toHaveLength(summary.anomalies)
    expect(summary).toMatchObject({ scored: 360, byDevice: expect.any(Object) })
    expect(sources).toMatchObject([{ read: 360, used: 360 }])
    expect(anomalies.at(-1)).toMatchObject({
      device: '192.168.1.3',
      timestamp: expect.stringMatching(/^2023-.*Z$/),
      affected_features: expect.any(Array),
      label: expect.any(String),
    })
  })

  it('reads standard input, takes a threshold, writes rows on standard output', async () => {
    const args = ['detect', '--input', '-', '--format', 'ndjson', '--threshold', '0', ...quick]
    const { code, stdout, stderr } = await motewatch(args, { input: connLog(40) })
    expect(code).toBe(0)
    const rows = stdout.trimEnd().split('\n')
    expect(rows).toHaveLength(40)
    expect(JSON.parse(rows[7]!).record).toBe(7)
    expect(stderr).toContain('40 rows = 40 used + 0 rejected\n40 anomalies')
  })

  it('says when nothing is unusual, with exit 0 in any case', async () => {
    const args = ['detect', '--input', normal, '--threshold', '1', '--fail-on-anomaly', ...quick]
    const { code, stdout } = await motewatch(args)
    expect(code).toBe(0)
    expect(stdout).toContain('0 anomalies in 1,500 records')
    expect(stdout).toContain('--threshold 0.3')
  })

  it('without models says how to get them, also as JSON', async () => {
    const nowhere = join(folder, 'nowhere')
    const plain = await motewatch(['detect', '--input', today, '--models', nowhere])
    expect(plain.code).toBe(1)
    expect(plain.stdout).toBe('')
    expect(plain.stderr).toMatch(/^motewatch: .*nowhere.*motewatch (train|init).*\n$/)
    const json = await motewatch(['detect', '--input', today, '--models', nowhere, '--json'])
    expect(json.code).toBe(1)
    expect(json.stderr).toBe('')
    expect(JSON.parse(json.stdout).error.message).toContain('nowhere')
  })

  it('refuses a damaged model and a model that was not trained', async () => {
    const dir = join(folder, 'damaged')
    mkdirSync(dir)
    writeFileSync(join(dir, 'flows.model'), readFileSync(join(models, 'flows.model')).subarray(0, 1000))
    const damaged = await motewatch(['detect', '--input', today, '--models', dir])
    expect(damaged.code).toBe(1)
    expect(damaged.stderr).toMatch(/^motewatch: .*flows\.model.*\n$/)
    const missing = await motewatch(['detect', '--input', today, '--model', 'lof', ...quick])
    expect(missing.code).toBe(2)
    expect(missing.stderr).toContain('has isolation-forest, not lof')
  })

  it('leaves nothing half-written when the input fails in the middle', async () => {
    const csv = join(folder, 'never', 'results.csv')
    const args = [
      'detect',
      '--input',
      today,
      join(folder, 'noise'),
      '--output',
      csv,
      '--report',
      `${csv}.html`,
    ]
    writeFileSync(join(folder, 'noise'), Buffer.from([0, 1, 2, 3, 250, 251, 252, 0, 0, 7]))
    const { code } = await motewatch([...args, ...quick])
    expect(code).toBe(1)
    expect(readdirSync(join(folder, 'never'))).toEqual([])
  })
})

describe.concurrent('evaluate', () => {
  it('compares with the labels, for a person, as JSON and as a page', async () => {
    const report = join(folder, 'evaluation.html')
    const [text, json] = await Promise.all([
      motewatch(['evaluate', '--input', today, '--report', report, ...quick]),
      motewatch(['evaluate', '--input', today, '--json', ...quick]),
    ])
    expect(text.code).toBe(0)
    expect(text.stdout).toContain('360 rows: 300 benign, 60 attack')
    expect(text.stdout).toMatch(/Model +ROC AUC +PR AUC/)
    const { ensemble, sources } = JSON.parse(json.stdout)
    expect(ensemble.rocAuc).toBeGreaterThan(0.95)
    expect(ensemble.incidents).toEqual({ labelled: 1, found: 1, recall: 1 })
    expect(ensemble.curve.at(-1)).toMatchObject({ recall: 1, falseAlarmRate: 1 })
    expect(readFileSync(report, 'utf8')).toMatch(/^<!doctype html>[\s\S]*1 of 1 labelled incident noticed/)
    expect(sources).toHaveLength(1)
  })

  it('needs labels', async () => {
    const input = connLog(50).replaceAll('\tbenign', '\t-')
    const { code, stderr } = await motewatch(['evaluate', '--input', '-', ...quick], { input })
    expect(code).toBe(1)
    expect(stderr).toMatch(/^motewatch: <stdin> expects a label column/)
  })
})
