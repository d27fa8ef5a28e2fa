import { cyclicSpecs } from '../cycles.ts'
import type { FeatureSpec } from '../feature-columns.ts'
import { unitOf } from './units.ts'

const GAP: FeatureSpec = {
  name: 'gap',
  unit: 's',
  scale: 'log1p',
  direction: 'high',
  words: 'time since the last reading',
  aspect: 'gap',
}
const CYCLES = cyclicSpecs()

/** The features of one metric, its level and then in the order of {@link PLACE}. */
function specsOf(metric: string): FeatureSpec[] {
  const unit = unitOf(metric)
  const spec = (
    name: string,
    words: string,
    aspect: FeatureSpec['aspect'],
    rest: Partial<FeatureSpec> = {},
  ): FeatureSpec => ({
    name,
    unit,
    scale: 'linear',
    direction: 'both',
    words,
    metric,
    aspect: aspect!,
    ...rest,
  })
  return [
    spec(metric, metric, 'level'),
    spec(`${metric} average`, `recent average of ${metric}`, 'level'),
    spec(`${metric} shift`, `shift of ${metric} from its own usual`, 'level'),
    spec(`${metric} change`, `change of ${metric}`, 'change'),
    spec(`${metric} spread`, `recent spread of ${metric}`, 'spread'),
    spec(`${metric} surprise`, `${metric} as rare for this device as once in`, 'level', {
      unit: 'readings',
      scale: 'evidence',
      direction: 'high',
    }),
    spec(`${metric} unchanged`, `readings without a change of ${metric}`, 'spread', {
      unit: 'readings',
      scale: 'log1p',
      direction: 'high',
    }),
    spec(`${metric} unexpected`, `${metric} against what its other metrics and the hour imply`, 'relation', {
      unit: 'usual deviations',
    }),
    spec(
      `${metric} average unexpected`,
      `recent average of ${metric} against what its other metrics and the hour imply`,
      'relation',
      { unit: 'usual deviations' },
    ),
  ]
}

/** Where the features of a metric stand behind its level. */
export const PLACE = {
  average: 0,
  shift: 1,
  change: 2,
  spread: 3,
  surprise: 4,
  unchanged: 5,
  unexpected: 6,
  averageUnexpected: 7,
} as const
export const PLACES = Object.values(PLACE)
/** Columns behind those of the metrics: the gap, the hour and the weekday. */
export const TIMES = 1 + CYCLES.length
export const CYCLIC = CYCLES.length

/** The features of readings of these metrics: those of each metric, the gap, the hour and the weekday. */
export function readingSpecs(metrics: readonly string[]): readonly FeatureSpec[] {
  return [...metrics.flatMap(specsOf), GAP, ...CYCLES]
}
