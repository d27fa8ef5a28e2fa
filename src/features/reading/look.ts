import type { Undo } from '../../schema/undo.ts'
import { Expectation } from './expectation.ts'
import type { Device, Metric } from './state.ts'

/** Has `undo` put back a device, and these of its metrics, as they are before a look ahead. */
export function keep(device: Device, metrics: readonly (Metric | undefined)[], undo: Undo): void {
  const { ts, seen, related, expectation } = device
  // The look goes on with a copy.
  if (expectation) device.expectation = new Expectation(expectation.d, expectation.state.slice())
  undo.push(() => {
    device.ts = ts
    device.seen = seen
    device.related = related
    device.expectation = expectation
  })
  for (const metric of metrics) if (metric) undo.push(asItIs(metric))
}

function asItIs(metric: Metric): () => void {
  const { value, same, mean, variance, usual, count } = metric
  const surprise = metric.surprise.undo()
  return () => {
    metric.value = value
    metric.same = same
    metric.mean = mean
    metric.variance = variance
    metric.usual = usual
    metric.count = count
    surprise()
  }
}
