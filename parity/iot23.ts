/**
 * IoT-23 end to end: learn from the benign first half of a capture, detect in all of it; and from packets to
 * anomalies. Rates are over attack flows and over benign flows later than those learned from.
 *
 * Data: MOTEWATCH_DATA or ../shared/data, IoT-23 (Garcia, Parmisano & Erquiaga 2020, Stratosphere Laboratory).
 * Peer: figures of scikit-learn on plain flow features, same split, default settings.
 */
import { verdict } from '../bench/harness.ts'
import { readFlows } from '../src/adapters/read.ts'
import { detect, evaluate, train } from '../src/pipeline.ts'
import type { Anomaly } from '../src/schema/anomaly.ts'
import { stringAt } from '../src/schema/dictionary.ts'
import type { FlowBatch } from '../src/schema/flow-batch.ts'
import type { ModelBundle } from '../src/store/model-bundle.ts'
import { sharedData } from '../test/shared-data.ts'

const captures = [
  ['34-1', 'iot23/34-1/conn.log.labeled'],
  ['8-1', 'iot23/8-1/conn.csv'],
  ['44-1', 'iot23/44-1/conn.csv'],
  ['42-1', 'iot23/42-1/conn.log.labeled'],
  ['4-1', 'iot23/4-1/conn.log.labeled'],
] as const

export async function run(): Promise<void> {
  if (!sharedData('iot23')) {
    console.log(
      'iot23: no data; put IoT-23 captures into ../shared/data/iot23 or name their folder in MOTEWATCH_DATA',
    )
    return
  }
  const logs = await table()
  const auc = (name: string) => logs.get(name)!.rocAuc ?? Number.NaN
  verdict({
    name: 'iot23 34-1 ranking',
    ours: `ROC AUC ${auc('34-1').toFixed(3)}`,
    peer: 'scikit-learn forest, LOF',
    theirs: '0.91–1.00',
    ratio: auc('34-1') / 0.97,
    bar: 'ROC AUC 0.97',
    met: auc('34-1') >= 0.97,
  })
  const { recall, falseAlarmRate } = logs.get('34-1')!
  verdict({
    name: 'iot23 34-1 alarms',
    ours: `recall ${percent(recall)}, false alarms ${percent(falseAlarmRate)}`,
    peer: 'scikit-learn forest, LOF at 99 %',
    theirs: 'false alarms 1–8 %',
    ratio: (recall ?? 0) / 0.95,
    bar: 'recall 95 %, false alarms 1 %',
    met: (recall ?? 0) >= 0.95 && (falseAlarmRate ?? 1) <= 0.01,
  })
  const [irc] = (await train([sharedData(captures[0][1])!], { benign: true, first: 0.5 })).bundles
  await packets('34-1/irc.pcap', irc!, sharedData(captures[0][1])!)
  for (const name of ['42-1', '4-1'] as const) {
    const pcap = sharedData(`iot23/${name}/capture.pcap`)!
    const [own] = (await train([pcap], { first: 0.5 })).bundles
    await packets(`${name}/capture.pcap`, own!, sharedData(`iot23/${name}/conn.log.labeled`)!)
  }
}

/** Prints one line a capture and model; gives the ensemble's figures by capture. */
async function table() {
  const results = new Map<string, Awaited<ReturnType<typeof evaluate>>['ensemble']>()
  console.log('capture  model             ROC AUC  recall   false alarms')
  for (const [name, path] of captures) {
    const file = sharedData(path)!
    const { bundles } = await train([file], { benign: true, first: 0.5 })
    const evaluation = await evaluate([file], bundles, { after: bundles[0]!.summary.to! })
    for (const [model, m] of [
      ...Object.entries(evaluation.models),
      ['ensemble', evaluation.ensemble] as const,
    ]) {
      const auc = m.rocAuc?.toFixed(3) ?? '-'
      console.log(
        `${name.padEnd(8)} ${model.padEnd(17)} ${auc.padEnd(8)} ${percent(m.recall).padEnd(8)} ${percent(m.falseAlarmRate)}`,
      )
    }
    for (const { threshold, p, recall, falseAlarmRate } of evaluation.thresholds) {
      const promised = `p ${p.toExponential(0)}`
      console.log(
        `${''.padEnd(8)} at ${threshold}, ${promised.padEnd(9)} ${''.padEnd(8)} ${percent(recall).padEnd(8)} ${percent(falseAlarmRate)}`,
      )
    }
    results.set(name, evaluation.ensemble)
  }
  return results
}

/** From packets to anomalies; the log says which connections are attacks. */
async function packets(name: string, bundle: ModelBundle, log: string): Promise<void> {
  const pcap = sharedData(`iot23/${name}`)!
  const attacks = await attackConnections(log)
  const flows = await readFlows(pcap)
  let attackFlows = 0
  let benignFlows = 0
  const isAttack = (i: number) => attacks.has(connection(flows, i))
  for (let i = 0; i < flows.length; i++) {
    if (isAttack(i)) attackFlows++
    else if (!(flows.ts[i]! <= bundle.summary.to!)) benignFlows++
  }
  const found: Anomaly[] = []
  for await (const anomalies of detect([pcap], [bundle])) found.push(...anomalies)
  let hits = 0
  let alarms = 0
  for (const { record, timestamp } of found) {
    if (isAttack(record)) hits++
    else if (!(timestamp <= bundle.summary.to!)) alarms++
  }
  const types = new Map<string, number>()
  for (const { type } of found) types.set(type, (types.get(type) ?? 0) + 1)
  console.log(`${name}: ${[...types].map(([type, n]) => `${n} ${type}`).join(', ') || 'no anomalies'}`)
  const first = found.find((a) => isAttack(a.record)) ?? found[0]
  if (first) console.log(`  ${first.description}`)
  const falseAlarmRate = benignFlows > 0 ? alarms / benignFlows : null
  const some = attackFlows > 0
  verdict({
    name: `iot23 ${name}`,
    ours: `${hits} of ${attackFlows} attack flows, false alarms ${percent(falseAlarmRate)}`,
    peer: 'labels of its conn.log',
    theirs: `${attackFlows} attack flows`,
    ratio: some ? hits / attackFlows : 1,
    bar: some ? '95 % of attack flows' : 'false alarms 1 %',
    met: flows.length > 0 && (some ? hits >= 0.95 * attackFlows : (falseAlarmRate ?? 1) <= 0.01),
  })
}

/** The connections that the log labels as attacks. */
async function attackConnections(log: string): Promise<Set<string>> {
  const flows = await readFlows(log)
  const keys = new Set<string>()
  for (let i = 0; i < flows.length; i++) {
    if (flows.label && stringAt(flows.label, i) === 'malicious') keys.add(connection(flows, i))
  }
  return keys
}

/** Who with whom and when, to the millisecond: what a flow of a capture and one of its log agree in. */
function connection(flows: FlowBatch, i: number): string {
  const orig = `${stringAt(flows.orig_h, i)} ${flows.orig_p[i]}`
  return `${orig} ${stringAt(flows.resp_h, i)} ${flows.resp_p[i]} ${flows.ts[i]!.toFixed(3)}`
}

function percent(share: number | null): string {
  return share === null ? '-' : `${(100 * share).toFixed(2)} %`
}
