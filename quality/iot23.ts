/**
 * IoT-23: trained on the first half by time of each capture's benign flows (on the all-benign honeypots where
 * that half is too short to train on), judged on the later benign flows and all attacks. No flow learned from is
 * judged. Ours is `train` and `evaluate` with every default; beside it scikit-learn's forest and LOF and a box-plot
 * rule on plain features of single flows, same rows.
 *
 * Data: iot23/<capture>/conn.log.labeled or a CSV of it (Garcia, Parmisano & Erquiaga 2020, Stratosphere Laboratory).
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache, once, python } from '../bench/harness.ts'
import { rocAuc } from '../src/models/metrics.ts'
import type { Measures } from '../src/pipeline/evaluator.ts'
import { evaluate, train } from '../src/pipeline.ts'
import { sharedData } from '../test/shared-data.ts'
import { type Capture, plainFeatures, readCaptures } from './labelled-flows.ts'
import { noData, verdict } from './verdict.ts'

/** Fewest benign flows in the first half to train on: what `train` asks for. */
const FEWEST = 50
/** Below so many the honeypots are shown as well. */
const FEW = 500

type Figures = Pick<Measures, 'rocAuc' | 'recall' | 'falseAlarmRate'>

export async function run(): Promise<void> {
  const dir = sharedData('iot23')
  if (!dir) return noData('iot23', 'iot23')
  const captures = await readCaptures(dir)
  const honeypots = captures.filter((c) => c.benign.length === c.flows.length)
  const ours: Figures[] = []
  row('capture', 'trained on', 'model', 'ROC AUC', 'recall', 'false alarms')
  for (const capture of captures) {
    const half = Math.ceil(capture.benign.length / 2)
    const own = half >= FEWEST
    if (own) ours.push(await judge(capture, [capture], 'own first half'))
    const others = honeypots.filter((h) => h !== capture)
    if (
      (!own || capture.benign.length < FEW) &&
      others.length > 0 &&
      capture.benign.length < capture.flows.length
    ) {
      const figures = await judge(capture, others, others.map((h) => h.name).join(' '))
      if (!own) ours.push(figures)
    }
  }
  const attacked = ours.filter((m) => m.rocAuc !== null)
  const aucs = attacked.map((m) => m.rocAuc!)
  const auc = mean(aucs)
  const worst = Math.min(...aucs)
  const recall = mean(attacked.map((m) => m.recall!))
  const alarms = Math.max(...ours.map((m) => m.falseAlarmRate ?? 0))
  verdict({
    name: 'iot23 ranking',
    figure: `mean ROC AUC ${auc.toFixed(4)}, worst ${worst.toFixed(4)}`,
    bar: 'mean 0.99, worst 0.97',
    met: auc >= 0.99 && worst >= 0.97,
  })
  verdict({
    name: 'iot23 alarms',
    figure: `mean recall ${percent(recall)}, most false alarms ${percent(alarms)}`,
    bar: 'recall 95 %, false alarms 1 % on every capture',
    met: recall >= 0.95 && alarms <= 0.01,
  })
}

/** Prints one line a model; gives the ensemble's figures. */
async function judge(capture: Capture, from: readonly Capture[], words: string): Promise<Figures> {
  const own = from.includes(capture)
  const { bundles } = await train(
    from.map((c) => c.log),
    own ? { benign: true, first: 0.5 } : { benign: true },
  )
  const after = own ? bundles[0]!.summary.to! : undefined
  const evaluation = await evaluate([capture.log], bundles, after === undefined ? {} : { after })
  const learned = own ? capture.benign.slice(0, Math.ceil(capture.benign.length / 2)) : []
  // Rows at the very time of the last one learned from are left out on all sides.
  const judged = [...capture.attack.keys()].filter(
    (i) => capture.attack[i] || after === undefined || capture.flows.ts[i]! > after,
  )
  if (judged.length !== evaluation.benign + evaluation.malicious || learned.some((i) => judged.includes(i))) {
    throw new Error(
      `${capture.name}: ${judged.length} rows to judge, ${evaluation.benign + evaluation.malicious} judged`,
    )
  }
  for (const [name, m] of [
    ...Object.entries(evaluation.models),
    ['ensemble', evaluation.ensemble] as const,
  ]) {
    print(capture.name, words, name, m)
  }
  const y = judged.map((i) => capture.attack[i]!)
  const known = own
    ? select(plainFeatures(capture.flows), learned)
    : join32(from.map((c) => select(plainFeatures(c.flows), c.benign)))
  const asked = select(plainFeatures(capture.flows), judged)
  const width = plainFeatures(capture.flows).width
  const peers = await scikitLearn(known, asked, width)
  for (const [name, { scores, line }] of Object.entries(peers)) {
    print(capture.name, words, `scikit-learn ${name}`, figuresOf(scores, y, line))
  }
  const { numbers } = plainFeatures(capture.flows)
  print(capture.name, words, 'box-plot rule', figuresOf(boxPlot(known, asked, width, numbers), y, 0))
  return evaluation.ensemble
}

function figuresOf(scores: Float64Array, y: readonly number[], line: number): Figures {
  const over = (attack: number) => {
    const of = y.filter((a) => a === attack).length
    return of === 0 ? null : scores.filter((s, i) => y[i] === attack && s > line).length / of
  }
  const auc = rocAuc(scores, y)
  return { rocAuc: Number.isNaN(auc) ? null : auc, recall: over(1), falseAlarmRate: over(0) }
}

/** How far outside of the whiskers (1.5 quartile distances, Tukey 1977) the worst number lies; 0 inside. */
function boxPlot(known: Float32Array, asked: Float32Array, width: number, numbers: number): Float64Array {
  const scores = new Float64Array(asked.length / width)
  for (let j = 0; j < numbers; j++) {
    const column = known.filter((_, at) => at % width === j).sort()
    const [low, high] = [column[column.length >> 2]!, column[(3 * column.length) >> 2]!]
    const box = Math.max(high - low, 1e-6)
    for (let i = 0; i < scores.length; i++) {
      const x = asked[i * width + j]!
      scores[i] = Math.max(scores[i]!, Math.max(low - x, x - high) / box - 1.5)
    }
  }
  return scores
}

const program = `
import json, sys, numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler
folder, width = sys.argv[1], int(sys.argv[2])
known, asked = (np.fromfile(f'{folder}/{n}.f32', np.float32).reshape(-1, width) for n in ('known', 'asked'))
scaler = StandardScaler().fit(known)
known, asked = scaler.transform(known), scaler.transform(asked)
out = {}
for name, model in (('forest', IsolationForest(random_state=0)), ('LOF', LocalOutlierFactor(novelty=True))):
    model.fit(known)
    own = -model.score_samples(known) if name == 'forest' else -model.negative_outlier_factor_
    out[name] = dict(scores=(-model.score_samples(asked)).tolist(), line=float(np.quantile(own, 0.99)))
print(json.dumps(out))
`

/** Scores of scikit-learn's models, all defaults, and the 99 % quantile of their training scores. */
async function scikitLearn(
  known: Float32Array,
  asked: Float32Array,
  width: number,
): Promise<Record<string, { scores: Float64Array; line: number }>> {
  const interpreter = await python(['scikit-learn==1.9.1'])
  if (!interpreter) return {}
  const folder = join(cache, 'quality-iot23')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'known.f32'), known)
  writeFileSync(join(folder, 'asked.f32'), asked)
  const peer = await once(interpreter, ['-c', program, folder, String(width)])
  if (peer.code !== 0) throw new Error(`scikit-learn failed with exit code ${peer.code}`)
  const parsed = JSON.parse(peer.stdout) as Record<string, { scores: number[]; line: number }>
  return Object.fromEntries(
    Object.entries(parsed).map(([name, p]) => [name, { scores: Float64Array.from(p.scores), line: p.line }]),
  )
}

function select(
  { width, data }: { width: number; data: Float32Array },
  rows: readonly number[],
): Float32Array {
  return join32(rows.map((i) => data.subarray(i * width, (i + 1) * width)))
}

function join32(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}

function print(capture: string, words: string, model: string, m: Figures): void {
  row(capture, words, model, m.rocAuc?.toFixed(4) ?? '-', percent(m.recall), percent(m.falseAlarmRate))
}

function row(...cells: readonly string[]): void {
  const widths = [8, 16, 20, 8, 9, 12]
  console.log(
    cells
      .map((cell, k) => cell.padEnd(widths[k]!))
      .join(' ')
      .trimEnd(),
  )
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length
}

function percent(share: number | null): string {
  return share === null ? '-' : `${(100 * share).toFixed(2)} %`
}
