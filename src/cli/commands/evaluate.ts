import type { Command } from 'commander'
import { reportFields } from '../../adapters/read-report.ts'
import type { Evaluation } from '../../pipeline/evaluator.ts'
import { given } from '../given.ts'
import { percent, perDay } from '../model-text.ts'
import { type TrainedOptions, trainedOptions } from '../options.ts'
import { progress } from '../progress.ts'
import { count, counted, readText } from '../read-text.ts'
import { readOptions } from '../reading.ts'
import { plain, print, printJson, style, table } from '../terminal.ts'

const SHOWN_LABELS = 20

export function evaluateCommand(program: Command): void {
  trainedOptions(
    program.command('evaluate').description('Compare what the models say with the labels of the input'),
  )
    .addHelpText('after', EXAMPLES)
    .action(run)
}

const EXAMPLES = `
Examples:
  $ motewatch evaluate --input conn.log.labeled --models models/ --json
  $ motewatch evaluate --input labelled/ --threshold 0.8`

async function run(options: TrainedOptions): Promise<void> {
  const { models, model, threshold, local, workers } = options
  const { input, reading } = await readOptions(options)
  const [{ evaluate }, { loadBundles }] = await Promise.all([
    import('../../pipeline.ts'),
    import('../../store/model-bundle.ts'),
  ])
  const bundles = await loadBundles(models)
  const bar = await progress('Evaluating')
  try {
    const evaluation = await evaluate(input, bundles, {
      ...reading,
      ...given({ model, threshold, local, workers }),
      onProgress: bar.update,
    })
    bar.stop()
    const { reports, ...measures } = evaluation
    if (options.json) printJson({ ...measures, sources: reports.map(reportFields) })
    else print(await evaluationText(evaluation))
  } finally {
    bar.stop()
  }
}

async function evaluationText(e: Evaluation): Promise<string> {
  const lines = [
    readText(e.reports),
    '',
    `${count(e.rows)} rows: ${count(e.benign)} benign, ${count(e.malicious)} attack, ${count(e.leftOut)} left out`,
    '',
  ]
  const rows = [['all together', e.ensemble] as const, ...Object.entries(e.models)]
    .filter((_, i, all) => i > 0 || all.length > 2)
    .map(([name, m]) => [
      name,
      figure(m.rocAuc),
      figure(m.averagePrecision),
      share(m.recall),
      share(m.falseAlarmRate),
    ])
  lines.push(
    await table(
      ['Model', 'ROC AUC', 'PR AUC', `Recall at ${e.threshold}`, 'False alarms'],
      rows,
      [1, 2, 3, 4],
    ),
    '',
    await table(
      ['Threshold', 'Promised false alarms', 'Measured', 'a device-day', 'Recall'],
      e.thresholds.map((t) => [
        String(t.threshold),
        share(t.p),
        share(t.falseAlarmRate),
        t.falseAlarmsPerDeviceDay === null ? '-' : String(Number(t.falseAlarmsPerDeviceDay.toPrecision(2))),
        share(t.recall),
      ]),
      [1, 2, 3, 4],
    ),
  )
  const { perDeviceDay, promised, deviceDays, devices } = e.falseAlarms
  if (perDeviceDay !== null) {
    const asked = promised === null ? '' : `, promised ${Number(promised.toPrecision(2))}`
    lines.push(
      '',
      `False alarms at ${e.threshold}: ${perDay(perDeviceDay)}${asked}; bursts of one device within ten minutes are one; ${counted(devices, 'devices')}, ${Number(deviceDays.toPrecision(2))} device-days`,
    )
  }
  const labels = Object.entries(e.ensemble.byLabel).sort((a, b) => b[1].rows - a[1].rows)
  if (labels.length > 0) {
    const shown = labels.slice(0, SHOWN_LABELS)
    lines.push(
      '',
      await table(
        ['Attack', 'Rows', 'Recall'],
        shown.map(([name, { rows: n, recall }]) => [plain(name), count(n), share(recall)]),
        [1, 2],
      ),
    )
    if (labels.length > SHOWN_LABELS) lines.push(style('dim', `… and ${labels.length - SHOWN_LABELS} more`))
  }
  return lines.join('\n')
}

function figure(value: number | null): string {
  return value === null ? '-' : value.toFixed(4)
}

function share(value: number | null): string {
  return value === null ? '-' : percent(value)
}
