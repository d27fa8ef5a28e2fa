/**
 * NSL-KDD: learned from the normal rows of KDDTrain+_20Percent, ranked on KDDTest-21, through `train` and `evaluate`
 * with every default. No bar: the connections have no times and no addresses, so that behaviour over time, what this
 * product lives by, is only what the set itself counts.
 *
 * Data: nsl_kdd/KDDTrain+_20Percent.txt, KDDTest-21.txt (Tavallaee, Bagheri, Lu & Ghorbani 2009).
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache, once, python } from '../bench/harness.ts'
import { evaluate, train } from '../src/pipeline.ts'
import { sharedData } from '../test/shared-data.ts'
import { noData, verdict } from './verdict.ts'

export async function run(): Promise<void> {
  const learned = sharedData('nsl_kdd/KDDTrain+_20Percent.txt')
  const asked = sharedData('nsl_kdd/KDDTest-21.txt')
  if (!learned || !asked) return noData('nsl-kdd', 'nsl_kdd')
  const { bundles } = await train([learned], { benign: true })
  const { models, ensemble } = await evaluate([asked], bundles)
  for (const [name, m] of [...Object.entries(models), ['ensemble', ensemble] as const]) {
    const { rocAuc, recall, falseAlarmRate } = m
    console.log(
      `${name.padEnd(22)} ROC AUC ${rocAuc?.toFixed(4)}, recall ${percent(recall)}, false alarms ${percent(falseAlarmRate)}`,
    )
  }
  const peers = await scikitLearn(learned, asked)
  for (const [name, auc] of Object.entries(peers)) {
    console.log(`scikit-learn ${name.padEnd(9)} ROC AUC ${auc.toFixed(4)}`)
  }
  const best = Math.max(...Object.values(peers))
  verdict({
    name: 'nsl-kdd',
    figure: `ROC AUC of the ensemble ${ensemble.rocAuc!.toFixed(4)}, of scikit-learn's best ${best.toFixed(4)}`,
    bar: 'none asked; at least the better of scikit-learn',
    met: ensemble.rocAuc! >= best,
  })
}

const program = `
import json, sys, numpy as np, pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import StandardScaler
from sklearn.metrics import roc_auc_score
known, asked = (pd.read_csv(p, header=None) for p in sys.argv[1:3])
known = known[known[41] == 'normal']
y = (asked[41] != 'normal').to_numpy()
both = pd.get_dummies(pd.concat([known, asked]).iloc[:, :41], columns=[1, 2, 3]).astype(float).to_numpy()
scaler = StandardScaler().fit(both[:len(known)])
X, Z = scaler.transform(both[:len(known)]), scaler.transform(both[len(known):])
out = {}
for name, model in (('forest', IsolationForest(random_state=0)), ('LOF', LocalOutlierFactor(novelty=True))):
    out[name] = roc_auc_score(y, -model.fit(X).score_samples(Z))
print(json.dumps(out))
`

/** ROC AUC of scikit-learn's models on all columns, categories one-hot, standardised. */
async function scikitLearn(learned: string, asked: string): Promise<Record<string, number>> {
  const interpreter = await python(['scikit-learn==1.9.1', 'pandas'])
  if (!interpreter) return {}
  const folder = join(cache, 'quality-nsl-kdd')
  mkdirSync(folder, { recursive: true })
  const script = join(folder, 'peer.py')
  writeFileSync(script, program)
  const peer = await once(interpreter, [script, learned, asked])
  if (peer.code !== 0) throw new Error(`scikit-learn failed with exit code ${peer.code}`)
  return JSON.parse(peer.stdout) as Record<string, number>
}

function percent(share: number | null): string {
  return share === null ? '-' : `${(100 * share).toFixed(1)} %`
}
