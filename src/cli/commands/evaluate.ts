import type { Command } from 'commander'
import { reportFields } from '../../adapters/read-report.ts'
import { openSink } from '../../output/sink.ts'
import type { Evaluation } from '../../pipeline/evaluator.ts'
import { UsageError } from '../failure.ts'
import { given } from '../given.ts'
import { cleanUpWhenInterrupted } from '../interrupt.ts'
import { percent, perDay } from '../model-text.ts'
import { type TrainedOptions, trainedOptions } from '../options.ts'
import { keepInput } from '../output-target.ts'
import { progress } from '../progress.ts'
import { count, counted, readText } from '../read-text.ts'
import { readOptions } from '../reading.ts'
import { plain, print, printJson, style, table } from '../terminal.ts'

const SHOWN_LABELS = 20

interface Options extends TrainedOptions {
  report?: string
}

export function evaluateCommand(program: Command): void {
  trainedOptions(
    program.command('evaluate').description('Compare what the models say with the labels of the input'),
  )
    .option('--report <file.html>', 'write a self-contained HTML report with curves and plots')
    .addHelpText('after', EXAMPLES)
    .action(run)
}

const EXAMPLES = `
Examples:
  $ motewatch evaluate --input conn.log.labeled --models models/ --json
  $ motewatch evaluate --input conn.log.labeled --report evaluation.html
  $ motewatch evaluate --input labelled/ --threshold 0.8`

async function run(options: Options): Promise<void> {
  const { models, model, threshold, local, workers, report } = options
  const { input, reading } = await readOptions(options)
  if (report !== undefined) {
    if (report === '-') throw new UsageError('--report expects a file name, for example report.html')
    keepInput(report, input)
    cleanUpWhenInterrupted()
  }
  const [{ evaluate }, { loadBundles }] = await Promise.all([
    import('../../pipeline.ts'),
    import('../../store/model-bundle.ts'),
  ])
  const bundles = await loadBundles(models)
  // Opened now, so that a place that cannot be written is told before the work, not after.
  const page = report === undefined ? undefined : openSink(report)
  const bar = await progress('Evaluating')
  try {
    const evaluation = await evaluate(input, bundles, {
      ...reading,
      ...given({ model, threshold, local, workers }),
      onProgress: bar.update,
    })
    bar.stop()
    if (page) {
      const { evaluationHtml } = await import('../../output/report/evaluation-report.ts')
      await page.write(new TextEncoder().encode(evaluationHtml(evaluation, bundles)))
      page.close()
    }
    const { reports, ...measures } = evaluation
    if (options.json) printJson({ ...measures, sources: reports.map(reportFields) })
    else print(await evaluationText(evaluation, report))
  } catch (error) {
    page?.abort()
    throw error
  } finally {
    bar.stop()
  }
}

async function evaluationText(e: Evaluation, report: string | undefined): Promise<string> {
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
        ['Attack', 'Rows', 'Recall', 'Incidents noticed'],
        shown.map(([name, l]) => [
          plain(name),
          count(l.rows),
          share(l.recall),
          `${count(l.incidentsFound)} of ${count(l.incidents)}`,
        ]),
        [1, 2, 3],
      ),
    )
    if (labels.length > SHOWN_LABELS) lines.push(style('dim', `… and ${labels.length - SHOWN_LABELS} more`))
  }
  if (report !== undefined) lines.push('', `The report is in ${style('bold', report)}; open it in a browser.`)
  return lines.join('\n')
}

function figure(value: number | null): string {
  return value === null ? '-' : value.toFixed(4)
}

function share(value: number | null): string {
  return value === null ? '-' : percent(value)
}
