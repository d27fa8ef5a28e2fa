/**
 * What features and calibration cost: the steps of `detect` one after the other in this process on one thread, each
 * timed by itself. Added time is that of computing and scaling features, of turning scores into evidence and of telling
 * what would have been ordinary, against the rest: reading, devices, scores of the three models, explanations. Median of
 * three passes.
 */
import { join } from 'node:path'
import { captureSlice } from '../bench/data.ts'
import { cache } from '../bench/harness.ts'
import { readBatches } from '../src/adapters/read.ts'
import { Explainer } from '../src/anomalies/explainer.ts'
import { WhatIf } from '../src/anomalies/what-if.ts'
import { DeviceResolver } from '../src/devices/device-resolver.ts'
import { createFlowExtractor } from '../src/features/flow/extractor.ts'
import { createReadingExtractor } from '../src/features/reading/extractor.ts'
import { IncidentTracker } from '../src/incidents/incident-tracker.ts'
import { WorkerPool } from '../src/kernels/worker-pool.ts'
import { evidenceAt } from '../src/models/calibration.ts'
import { combine, withNews } from '../src/models/ensemble.ts'
import { thresholdOf } from '../src/pipeline/options.ts'
import { Scorer } from '../src/pipeline/scorer.ts'
import { train } from '../src/pipeline.ts'
import { bundledSample } from '../src/simulate/bundled-sample.ts'
import { ensembleKey, type ModelBundle } from '../src/store/model-bundle.ts'
import { verdict } from './verdict.ts'

const PASSES = 3
const steps = [
  'read',
  'devices',
  'features',
  'matrix',
  'models',
  'calibration',
  'what-if',
  'explain',
] as const
type Seconds = Record<(typeof steps)[number], number>
/** Seconds of telling what would have been ordinary, in all. */
let whatIfSeconds = 0
const added = ['features', 'matrix', 'calibration', 'what-if'] as const
/** Incidents of which `detect` tells at its end what would have been ordinary. */
const AT_THE_END = 20

export async function run(): Promise<void> {
  timeWhatIf((seconds) => {
    whatIfSeconds += seconds
  })
  const sample = await bundledSample(join(cache, 'quality-sample'))
  const sources = [
    ['capture', captureSlice(600_000)],
    ['flow log', sample.flows],
    ['readings', sample.readings],
  ] as const
  console.log(`source    records  ${steps.map((step) => step.padEnd(12)).join('')}added`)
  let worst = 0
  for (const [name, path] of sources) {
    const { bundles } = await train([path], { benign: true, first: 0.5 })
    const passes: { seconds: Seconds; records: number }[] = []
    for (let pass = 0; pass <= PASSES; pass++) passes.push(await detectInSteps(path, bundles[0]!))
    // The first pass warms up.
    passes.shift()
    passes.sort((a, b) => share(a.seconds) - share(b.seconds))
    const { seconds, records } = passes[PASSES >> 1]!
    worst = Math.max(worst, share(seconds))
    const cells = steps.map((step) => `${(1000 * seconds[step]).toFixed(0)} ms`.padEnd(12)).join('')
    console.log(
      `${name.padEnd(9)} ${String(records).padEnd(8)} ${cells}${(100 * share(seconds)).toFixed(0)} %`,
    )
  }
  verdict({
    name: 'cost',
    figure: `features and calibration add ${(100 * worst).toFixed(0)} % at most`,
    bar: '60 %',
    met: worst <= 0.6,
  })
}

function share(seconds: Seconds): number {
  const own = added.reduce((sum, step) => sum + seconds[step], 0)
  return own / (steps.reduce((sum, step) => sum + seconds[step], 0) - own)
}

async function detectInSteps(
  path: string,
  bundle: ModelBundle,
): Promise<{ seconds: Seconds; records: number }> {
  const seconds = Object.fromEntries(steps.map((step) => [step, 0])) as Seconds
  const timed = <T>(step: keyof Seconds, work: () => T): T => {
    const started = performance.now()
    const result = work()
    seconds[step] += (performance.now() - started) / 1000
    return result
  }
  const { space, models, ensembles, summary } = bundle
  const devices = new DeviceResolver({})
  const flows = createFlowExtractor()
  const readings = createReadingExtractor()
  const ensemble = ensembles.get(
    ensembleKey(models.map((m) => m.detector.name).filter((name) => name !== 'surprise')),
  )!
  const least = evidenceAt(thresholdOf(bundle, undefined), summary.contamination)
  const pool = new WorkerPool(1)
  const { whatIf } = new Scorer(bundle, undefined, pool)
  const options = { contamination: summary.contamination, least, ceiling: ensemble.ceiling, whatIf }
  const explainer = new Explainer(space, models, options)
  const tracker = new IncidentTracker()
  const whatIfBefore = whatIfSeconds
  let records = 0
  let started = performance.now()
  for await (const { source, batch: read } of readBatches([path], { workers: 1 }, [])) {
    seconds.read += (performance.now() - started) / 1000
    const batch = timed('devices', () => (read.kind === 'flows' ? devices.assign(read) : read))
    const features = timed('features', () =>
      batch.kind === 'flows' ? flows.extract(batch) : readings.extract(batch),
    )
    const X = timed('matrix', () => space.transform(features))
    const scores = timed('models', () => models.map(({ detector }) => detector.score(X)))
    const { evidence, combined } = timed('calibration', () => {
      const each = models.map(({ calibration }, m) => calibration.evidence(scores[m]!))
      const news = models.findIndex(({ detector }) => detector.name === 'surprise')
      const state = ensemble.evidence(combine(each.filter((_, m) => m !== news)))
      return { evidence: each, combined: news < 0 ? state : withNews(state, each[news]!, ensemble.n) }
    })
    const rows = { batch, features, X, evidence, combined, source }
    const before = whatIfSeconds
    tracker.add(timed('explain', () => explainer.explain(rows, records)))
    seconds.explain -= whatIfSeconds - before
    records += batch.length
    started = performance.now()
  }
  const strongest = tracker.finish().incidents.slice(0, AT_THE_END)
  for (const incident of strongest) explainer.counterfactual(incident.strongest)
  await pool.close()
  seconds['what-if'] = whatIfSeconds - whatIfBefore
  return { seconds, records }
}

/** Times the part of explanations that tells what would have been ordinary, which they do in passing. */
function timeWhatIf(spent: (seconds: number) => void): void {
  for (const name of ['meet', 'strongest'] as const) {
    const original = WhatIf.prototype[name] as (...args: unknown[]) => unknown
    WhatIf.prototype[name] = function (this: WhatIf, ...args: unknown[]) {
      const started = performance.now()
      try {
        return original.apply(this, args)
      } finally {
        spent((performance.now() - started) / 1000)
      }
    } as never
  }
}
