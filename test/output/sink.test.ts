import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { abortOutputs, OutputError, openSink, outputsOpen } from '../../src/output/sink.ts'

const folder = mkdtempSync(join(tmpdir(), 'motewatch-sink-'))
afterAll(() => rmSync(folder, { recursive: true }))
const bytes = (text: string) => new TextEncoder().encode(text)

describe('a file output', () => {
  it('appears only when it is complete', () => {
    const path = join(folder, 'new', 'out.csv')
    const sink = openSink(path)
    sink.write(bytes('a'))
    expect(readdirSync(join(folder, 'new'))).not.toContain('out.csv')
    sink.close()
    expect(readFileSync(path, 'utf8')).toBe('a')
    expect(readdirSync(join(folder, 'new'))).toEqual(['out.csv'])
  })

  it('leaves an earlier file alone when aborted', () => {
    const path = join(folder, 'kept.csv')
    writeFileSync(path, 'before')
    const sink = openSink(path)
    sink.write(bytes('half'))
    expect(outputsOpen()).toBe(true)
    abortOutputs()
    expect(outputsOpen()).toBe(false)
    expect(readFileSync(path, 'utf8')).toBe('before')
    expect(readdirSync(folder).filter((name) => name.includes('part'))).toEqual([])
  })

  it('follows a link instead of replacing it', () => {
    writeFileSync(join(folder, 'real.csv'), 'before')
    symlinkSync(join(folder, 'real.csv'), join(folder, 'link.csv'))
    const sink = openSink(join(folder, 'link.csv'))
    sink.write(bytes('after'))
    sink.close()
    expect(readFileSync(join(folder, 'real.csv'), 'utf8')).toBe('after')
  })

  it('is written directly when it is a device', () => {
    const sink = openSink('/dev/null')
    sink.write(bytes('x'))
    sink.close()
    expect(readdirSync('/dev').filter((name) => name.includes('.part'))).toEqual([])
  })

  it('says what is wrong with the place', () => {
    mkdirSync(join(folder, 'dir.csv'))
    expect(() => openSink(join(folder, 'dir.csv'))).toThrow(OutputError)
    expect(() => openSink(join(folder, 'dir.csv'))).toThrow('it is a folder; name a file in it')
    expect(() => openSink(join(folder, 'kept.csv', 'x.csv'))).toThrow(
      /cannot be written: a part of the path is a file/,
    )
  })
})
