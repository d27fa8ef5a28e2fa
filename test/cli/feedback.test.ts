import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connLog, motewatch } from './run.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-feedback-'))
const models = join(folder, 'models')
const today = join(folder, 'today.log')
const found = join(folder, 'found.json')
const detect = ['detect', '--input', today, '--models', models, '--workers', '1', '--json']

async function json(args: readonly string[]) {
  const { code, stdout, stderr } = await motewatch(args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

beforeAll(async () => {
  const normal = join(folder, 'normal.log')
  writeFileSync(normal, connLog(1500))
  writeFileSync(today, connLog(300, 60))
  await motewatch(['train', '--input', normal, '--output-dir', models, '--model', 'isolation-forest'])
  writeFileSync(found, (await motewatch(detect)).stdout)
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true }))

describe('motewatch feedback', () => {
  it('adds, lists and takes back; detect tells what it did', async () => {
    const before = JSON.parse(readFileSync(found, 'utf8'))
    const scan = String(before.incidents[0].id)
    const add = ['feedback', 'add', '--models', models, '--from', found, '--incident', scan]
    const { added } = await json([...add, '--verdict', 'expected', '--note', 'our scanner', '--json'])
    expect(added).toMatchObject({ kind: 'flows', verdict: 'expected', note: 'our scanner' })

    const after = await json(detect)
    const { suppressed, byEntry } = after.summary.feedback
    expect(suppressed).toBeGreaterThan(10)
    expect(byEntry).toEqual({ [added.id]: suppressed })
    expect(after.anomalies).toHaveLength(before.anomalies.length - suppressed)
    const { stdout } = await motewatch(detect.slice(0, -1))
    expect(stdout).toContain(`By feedback: ${suppressed} anomalies suppressed as expected`)

    const list = await motewatch(['feedback', 'list', '--models', models])
    expect(list.stdout).toMatch(new RegExp(`${added.id}.*expected.*192\\.168\\.1\\.3`))
    expect(await json(['feedback', 'list', '--models', models, '--json'])).toEqual({ feedback: [added] })

    expect(await json(['feedback', 'undo', added.id, '--models', models, '--json'])).toEqual({
      removed: added,
    })
    expect((await json(detect)).anomalies).toEqual(before.anomalies)
  })

  it.each<[string, readonly string[], number, RegExp]>([
    ['of nothing', [], 2, /expects one of --record, --incident and --adaptation/],
    ['of two things', ['--record', '1', '--incident', '1'], 2, /expects one of/],
    [
      'of a record that is no anomaly',
      ['--record', '99999'],
      1,
      /no anomaly with record 99999 among its \d+/,
    ],
    ['of an incident that is not there', ['--incident', '99'], 1, /has no incident 99/],
    ['of an adaptation', ['--adaptation', 'abcdabcd'], 2, /--verdict expected is about a --record/],
  ])('%s is refused', async (_, args, status, message) => {
    const add = ['feedback', 'add', '--models', models, '--from', found, '--verdict', 'expected']
    const { code, stderr } = await motewatch([...add, ...args])
    expect(code).toBe(status)
    expect(stderr).toMatch(message)
  })

  it('of a file that is none of ours is refused, as is taking back what was never said', async () => {
    const add = ['feedback', 'add', '--models', models, '--incident', '1', '--verdict', 'expected']
    const other = await motewatch([...add, '--from', today])
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('expects what `motewatch detect')])
    const none = await motewatch([...add, '--from', join(folder, 'nowhere')])
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('there is no such file')])
    const undo = await motewatch(['feedback', 'undo', 'ffffffff', '--models', models])
    expect([undo.code, undo.stderr]).toEqual([1, expect.stringContaining('has no feedback ffffffff')])
  })
})
