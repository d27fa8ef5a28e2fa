import { describe, expect, it } from 'vitest'
import { Random } from '../../src/kernels/random.ts'
import { ModelFormatError, magicOf, readSections, writeSections } from '../../src/models/buffer.ts'

const sections = {
  thresholds: new Float32Array([1, -2.5, Infinity]),
  features: new Uint16Array([3, 1, 2, 0, 65535]),
  empty: new Float64Array(0),
}
const meta = { featureNames: ['a', 'é "quoted"'], offset: -0.5, nTrees: 100 }
const write = () => writeSections('MWTEST', 3, meta, sections)
const copy = (buffer: ArrayBufferLike) => new Uint8Array(buffer).slice().buffer

describe('the model container', () => {
  it('gives back what was written, without copying', () => {
    const buffer = write()
    const read = readSections(buffer, 'MWTEST', 3)
    expect(magicOf(buffer)).toBe('MWTEST')
    expect(read.strings('featureNames')).toEqual(meta.featureNames)
    expect(read.number('offset')).toBe(-0.5)
    expect(read.integer('nTrees', 1, 1000)).toBe(100)
    const thresholds = read.array('thresholds', Float32Array, 3)
    expect([...thresholds]).toEqual([...sections.thresholds])
    expect(thresholds.buffer).toBe(buffer)
    expect(thresholds.byteOffset % 64).toBe(0)
    expect([...read.array('features', Uint16Array, 5)]).toEqual([...sections.features])
    expect(read.array('empty', Float64Array, 0)).toHaveLength(0)
  })

  it('writes equal bytes for equal input and reads plain and shared buffers', () => {
    expect(copy(write())).toEqual(copy(write()))
    expect(readSections(copy(write()), 'MWTEST', 3).number('offset')).toBe(-0.5)
  })

  it('reads from within other bytes, copying only where these begin off a multiple of 8', () => {
    const bytes = new Uint8Array(write())
    for (const at of [128, 131]) {
      const outer = new Uint8Array(new SharedArrayBuffer(bytes.length + 200))
      outer.set(bytes, at)
      const read = readSections(outer.subarray(at, at + bytes.length), 'MWTEST', 3)
      const thresholds = read.array('thresholds', Float32Array, 3)
      expect([...thresholds]).toEqual([...sections.thresholds])
      expect(Object.is(thresholds.buffer, outer.buffer)).toBe(at === 128)
    }
  })

  it('names the version it cannot read and the kind it did not expect', () => {
    expect(() => readSections(write(), 'MWTEST', 4)).toThrow(/version 3.*reads version 4/)
    expect(() => readSections(write(), 'MWOTHER', 3)).toThrow(/expected a MWOTHER model.*MWTEST/)
    expect(() => readSections(new ArrayBuffer(0), 'MWTEST', 3)).toThrow(ModelFormatError)
  })

  it('refuses every truncation and every flipped byte', () => {
    const whole = new Uint8Array(write())
    for (let length = 0; length < whole.length; length++) {
      expect(() => readSections(whole.slice(0, length).buffer, 'MWTEST', 3)).toThrow(ModelFormatError)
    }
    const random = new Random(1)
    for (let i = 0; i < whole.length; i++) {
      const damaged = whole.slice()
      damaged[i]! ^= 1 + random.int(255)
      expect(() => readSections(damaged.buffer, 'MWTEST', 3)).toThrow(ModelFormatError)
    }
  })

  it('refuses parts that are absent or of another type, length or range', () => {
    const read = readSections(write(), 'MWTEST', 3)
    expect(() => read.array('nothing', Float32Array, 3)).toThrow(/no section nothing/)
    expect(() => read.array('toString', Float32Array, 3)).toThrow(/no section toString/)
    expect(() => read.array('thresholds', Float64Array, 3)).toThrow(/of type "float32"/)
    expect(() => read.array('thresholds', Float32Array, 4)).toThrow(/3 values, expected 4/)
    expect(() => read.number('featureNames')).toThrow(/expected a number/)
    expect(() => read.integer('offset', -1, 1)).toThrow(/whole number/)
    expect(() => read.integer('nTrees', 1, 50)).toThrow(/\[1, 50\]/)
    expect(() => read.strings('nTrees')).toThrow(/no list of texts/)
  })
})
