import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connLog, motewatch } from './run.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-flows-'))
const log = join(folder, 'conn.log')
beforeAll(() => writeFileSync(log, connLog(60)))
afterAll(() => rmSync(folder, { recursive: true }))

/** Calls `then` once an output is being written in `dir`. */
function whenStarted(dir: string, then: () => void): void {
  const wait = setInterval(() => {
    if (!existsSync(dir) || readdirSync(dir).length === 0) return
    clearInterval(wait)
    then()
  }, 10)
}

describe.concurrent('flows', () => {
  it('writes Zeek TSV on standard output and what was read beside it', async () => {
    const { code, stdout, stderr } = await motewatch(['flows', '--input', log])
    expect(code).toBe(0)
    expect(stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toHaveLength(60)
    expect(stderr).toBe(`Read ${log} (zeek, IoT-23): 60 rows = 60 used + 0 rejected\n`)
  })

  it('reads standard input and several files', async () => {
    const args = ['flows', '--input', '-', log, '--format', 'ndjson']
    const { code, stdout } = await motewatch(args, { input: connLog(5) })
    expect(code).toBe(0)
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(rows).toHaveLength(65)
    expect(rows[5]).toEqual(rows[0])
  })

  it('picks the format by the extension, and tells in JSON what it did', async () => {
    const output = join(folder, 'new', 'flows.csv')
    const { code, stdout, stderr } = await motewatch(['flows', '--input', log, '--output', output, '--json'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({
      summary: { flows: 60 },
      output,
      format: 'csv',
      sources: [{ adapter: 'zeek', read: 60, used: 60, rejected: 0 }],
    })
    expect(readFileSync(output, 'utf8').trimEnd().split('\n')).toHaveLength(61)
  })

  it('with --json are one document, also when the input fails in the middle', async () => {
    const { code, stdout, stderr } = await motewatch([
      'flows',
      '--input',
      log,
      join(folder, 'none'),
      '--json',
    ])
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const failed = JSON.parse(stdout)
    expect(failed.error.type).toBe('InputError')
    const whole = JSON.parse((await motewatch(['flows', '--input', log, '--json'])).stdout)
    expect(whole.flows).toHaveLength(60)
    expect(whole.summary).toEqual({ flows: 60 })
    expect(whole.flows[0]).toMatchObject({ uid: 'C0', 'id.resp_p': 443, label: 'benign' })
  })

  it('counts broken rows with place and remedy', async () => {
    const lines = connLog(4).trimEnd().split('\n')
    lines[7] = lines[7]!.replace('\t443\t', '\tnosuch\t')
    const { code, stderr } = await motewatch(['flows', '--input', '-'], { input: lines.join('\n') })
    expect(code).toBe(0)
    expect(stderr).toContain('4 rows = 3 used + 1 rejected')
    expect(stderr).toMatch(/8.*port.*nosuch/)
  })

  it.each([
    ['nothing', ''],
    ['binary noise', Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 2654435761) >>> 24))],
    ['a web page', '<!doctype html><html></html>'],
  ])('of %s fail with one line', async (_, input) => {
    const { code, stdout, stderr } = await motewatch(['flows', '--input', '-'], { input })
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^motewatch: <stdin> .*\n$/)
  })

  it('leave no half-written output when the input fails', async () => {
    const inputs = join(folder, 'half')
    const output = join(inputs, 'out.csv')
    const missing = join(folder, 'missing.pcap')
    const { code, stderr } = await motewatch(['flows', '--input', log, missing, '--output', output])
    expect(code).toBe(1)
    expect(stderr).toContain(`${missing} does not exist; check the path`)
    expect(readdirSync(inputs)).toEqual([])
  })

  it('leave no half-written output when stopped', async () => {
    const output = join(folder, 'stopped', 'out.csv')
    const { code } = await motewatch(['flows', '--input', '-', '--output', output], {
      input: connLog(20_000),
      during: (child) => whenStarted(join(folder, 'stopped'), () => child.kill('SIGTERM')),
    })
    expect(code).toBe(143)
    expect(readdirSync(join(folder, 'stopped'))).toEqual([])
  })

  it('of a pipe are finished at the first Ctrl-C and dropped at the second', async () => {
    const output = join(folder, 'first', 'out.csv')
    const first = await motewatch(['flows', '--input', '-', '--output', output], {
      input: connLog(10),
      during: (child) =>
        whenStarted(join(folder, 'first'), () => {
          child.kill('SIGINT')
          child.stderr!.once('data', () => child.stdin!.end())
        }),
    })
    expect(first.code).toBe(0)
    expect(first.stderr).toContain('finishing with what was read')
    expect(readFileSync(output, 'utf8').trimEnd().split('\n')).toHaveLength(11)

    const second = await motewatch(['flows', '--input', '-', '--output', join(folder, 'second', 'out.csv')], {
      input: connLog(10),
      during: (child) =>
        whenStarted(join(folder, 'second'), () => {
          child.kill('SIGINT')
          child.stderr!.once('data', () => child.kill('SIGINT'))
        }),
    })
    expect(second.code).toBe(130)
    expect(readdirSync(join(folder, 'second'))).toEqual([])
  })

  it('do not mind a reader that has seen enough', async () => {
    const { code, stderr } = await motewatch(['flows', '--input', '-'], {
      input: connLog(30_000),
      during: (child) => {
        child.stdout!.once('data', () => child.stdout!.destroy())
        child.stdin!.end()
      },
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('do not replace their own input', async () => {
    const before = readFileSync(log)
    const { code, stderr } = await motewatch([
      'flows',
      '--input',
      log,
      '--output',
      join(folder, '.', 'conn.log'),
    ])
    expect(code).toBe(2)
    expect(stderr).toContain('is an input and would be replaced')
    expect(readFileSync(log)).toEqual(before)
  })

  it('take a column map, and say what is wrong with it', async () => {
    const map = join(folder, 'columns.yaml')
    writeFileSync(map, 'orig_h:\n  - a\n')
    const { code, stderr } = await motewatch(['flows', '--input', log, '--map', map])
    expect(code).toBe(2)
    expect(stderr).toContain(`${map}: orig_h expects lines like "orig_h: source address"`)
  })
})
