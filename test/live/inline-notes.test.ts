import { describe, expect, it } from 'vitest'
import { learnedDevices } from '../../src/live/inline-notes.ts'
import { sampleDevices } from '../../src/simulate/bundled-sample.ts'
import { simulate } from '../../src/simulate/simulation.ts'
import { bundleFromBuffer } from '../../src/store/model-bundle.ts'
import { tinyModel } from '../store/tiny-model.ts'

describe('devices that a model learned', () => {
  it('are those of the sample where it was made from that, which keeps nothing of them', async () => {
    const bundle = bundleFromBuffer((await tinyModel('readings')).buffer, 'tiny')
    const { start } = simulate({ seed: 7 }).options
    const summary = { ...bundle.summary, sources: ['demo/sample/readings.csv'], from: start }
    const { past: _, ...without } = bundle
    expect(learnedDevices({ ...without, summary })).toBe(sampleDevices())
    expect(learnedDevices(without)).toBeUndefined()
  })
})
