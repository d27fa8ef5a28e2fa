import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { motewatch } from './run.ts'

const COMMANDS = [
  'train',
  'detect',
  'evaluate',
  'inspect',
  'flows',
  'simulate',
  'init',
  'demo',
  'serve',
  'config',
  'user',
]
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

describe.concurrent('the command line', () => {
  it('lists its commands, with and without --help', async () => {
    const [help, bare] = await Promise.all([motewatch(['--help']), motewatch([])])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(bare).toEqual(help)
    for (const command of COMMANDS) expect(help.stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
    expect(help.stdout).toContain('Exit codes: 0 done, 1 failed, 2 wrong usage, 3')
  })

  it('tells its version', async () => {
    expect((await motewatch(['--version'])).stdout).toBe(`${version}\n`)
  })

  it.each(COMMANDS)('%s --help has examples', async (command) => {
    const { code, stdout } = await motewatch([command, '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain(`Usage: motewatch ${command}`)
    expect(stdout).toMatch(/Examples?:\n {2}\$ motewatch/)
  })

  it.each([
    [['detct'], "unknown command 'detct' (Did you mean detect?)"],
    [['flows', '--inptu', 'x'], "unknown option '--inptu' (Did you mean --input?)"],
    [['flows'], 'an input is needed: --input FILE, a folder, or - for standard input'],
    [['flows', 'x.pcap'], 'unexpected "x.pcap"; files are given with --input'],
    [['detect', '--input', 'x', '--threshold', '7'], 'A number from 0 to 1 is needed.'],
    [['train', '--input', 'x', '--contamination', '0'], 'A number above 0 and at most 0.5 is needed.'],
    [['train', '--input', 'x', '--first', '0%'], 'A share above 0 and at most 100% is needed'],
    [['train', '--input', 'x', '--local', '192.168.0'], 'Networks look like 192.168.0.0/16'],
    [['detect', '--input', 'x', '--model', 'forest'], 'Allowed choices are isolation-forest, lof'],
    [['flows', '--input', 'x', '--adapter', 'zek'], 'unknown adapter "zek"; there are '],
    [['flows', '--input', '-', '-'], 'standard input ("-") can be read once only'],
    [['flows', '--input', 'x', '--output', 'x.txt'], 'the extension stands for no format; use zeek, csv'],
    [['simulate', '--attacks', 'meteor'], 'simulate knows the attacks scan'],
  ])('%j is wrong usage: exit 2 and one line', async (args, message) => {
    const { code, stdout, stderr } = await motewatch(args)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  it('with --json even wrong usage is one JSON document', async () => {
    const { code, stdout, stderr } = await motewatch(['detect', '--json', '--thresold', '1'])
    expect(code).toBe(2)
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({
      error: { type: 'UsageError', message: "unknown option '--thresold' (Did you mean --threshold?)" },
    })
  })
})
