import { expect, it } from 'vitest'
import { FeatureSpace } from '../../src/features/feature-space.ts'
import { createReadingExtractor } from '../../src/features/reading/extractor.ts'
import { ReadingBatchBuilder } from '../../src/schema/reading-batch.ts'

function spaceOf(metrics: (i: number) => Record<string, number>): FeatureSpace {
  const builder = new ReadingBatchBuilder(600)
  for (let i = 0; i < 600; i++) {
    builder.add({ ts: 1_767_571_200 + 60 * i, device: `d${i % 2}`, metrics: metrics(i) })
  }
  const batch = builder.finish()
  return FeatureSpace.fit('readings', createReadingExtractor().extract(batch), batch.ts)
}

it('how long a metric stands still that no device ever changed is no feature, as it only grows', () => {
  const space = spaceOf((i) => ({ temperature: 20 + Math.sin(i), battery: 100 - (i % 2) }))
  expect(space.featureNames).toContain('temperature unchanged')
  expect(space.featureNames).not.toContain('battery unchanged')
  expect(space.dropped).toContainEqual({
    name: 'battery unchanged',
    reason: 'battery never changed in training',
  })
})

it('stays where there is nothing else', () => {
  expect(spaceOf(() => ({ battery: 100 })).featureNames).toContain('battery unchanged')
})
