import { describe, expect, it } from 'vitest'
import { Autoencoder } from '../../src/models/autoencoder.ts'
import { ModelFormatError, writeSections } from '../../src/models/buffer.ts'
import { IsolationForest } from '../../src/models/isolation-forest.ts'
import { LocalOutlierFactor } from '../../src/models/local-outlier-factor.ts'
import { detectorFromBuffer } from '../../src/models/registry.ts'
import { Surprise } from '../../src/models/surprise.ts'
import { bytesOf, correlatedNormal } from './contract.ts'

const X = correlatedNormal(300, 4, 1)

describe('detectorFromBuffer', () => {
  it.each([new IsolationForest(), new LocalOutlierFactor(), new Autoencoder(), new Surprise(['x0', 'x2'])])(
    'opens what $name wrote',
    (detector) => {
      const fitted = detector.fit(X)
      const opened = detectorFromBuffer(fitted.toBuffer())
      expect(opened.name).toBe(fitted.name)
      expect(opened.constructor).toBe(fitted.constructor)
      expect(bytesOf(opened.score(X))).toEqual(bytesOf(fitted.score(X)))
    },
  )

  it('says what it cannot open', () => {
    expect(() => detectorFromBuffer(new ArrayBuffer(0))).toThrow(ModelFormatError)
    expect(() => detectorFromBuffer(writeSections('SVM', 1, {}, {}))).toThrow(/"SVM".*FOREST, LOF, AUTOENC/)
    const later = writeSections('FOREST', 2, {}, {})
    expect(() => detectorFromBuffer(later)).toThrow(/version 2.*reads version 1.*train again/)
  })

  it('opens no forest whose parts do not fit together', () => {
    const meta = { featureNames: ['a'], nTrees: 1, sampleSize: 8, nSorted: 1 }
    const parts = {
      thresholds: new Float32Array(8),
      features: new Uint16Array(8),
      pathLengths: new Float32Array(8),
      sizes: new Uint16Array(16),
      sorted: new Float32Array(1),
    }
    const write = (m: object, p: object) => writeSections('FOREST', 1, { ...meta, ...m }, { ...parts, ...p })
    expect(detectorFromBuffer(write({}, {})).score(correlatedNormal(2, 1, 1))).toHaveLength(2)
    for (const [m, p] of [
      [{ nTrees: 1e9 }, {}],
      [{ nTrees: 2 }, {}],
      [{ sampleSize: 1.5 }, {}],
      [{ featureNames: 'a' }, {}],
      [{ featureNames: ['a', 'b'] }, {}],
      [{}, { features: new Uint16Array(8).fill(1) }],
      [{}, { thresholds: new Float64Array(8) }],
      [{}, { sizes: new Uint16Array(8) }],
      [{}, { sizes: new Uint16Array(16).fill(9) }],
    ] as const) {
      expect(() => detectorFromBuffer(write(m, p))).toThrow(ModelFormatError)
    }
  })
})
