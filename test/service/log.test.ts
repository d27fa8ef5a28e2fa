import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { pretty } from '../../src/service/log.ts'

describe('the log on a terminal', () => {
  it('is time, level, message and values', () => {
    const line = pretty(
      '{"level":40,"time":"2026-01-02T03:04:05.678Z","folder":"models","n":3,"msg":"not taken"}',
    )
    expect(stripVTControlCharacters(line)).toBe('03:04:05 warn  not taken  folder=models  n=3\n')
  })

  it('lets nothing from outside drive the terminal', () => {
    const line = pretty(
      `{"level":30,"time":"","url":"/${'\\u001b'}[2Jx","msg":"${'\\u001b'}]0;title${'\\u0007'}hello"}`,
    )
    const [, ...rest] = line.split('hello')
    expect(line).not.toContain('\u001b[2J')
    expect(line).not.toContain('\u001b]0')
    expect(rest).toHaveLength(1)
  })

  it('shows what is no entry as it is', () => expect(pretty('plain text\n')).toBe('plain text\n'))
})
