import type { Command } from 'commander'
import { reportFields } from '../../adapters/read-report.ts'
import { Highlights } from '../../output/highlights.ts'
import { incidentJson } from '../../output/incident-json.ts'
import { openSink } from '../../output/sink.ts'
import { rfc3339 } from '../../output/time.ts'
import type { Backtest } from '../../pipeline/backtest.ts'
import type { DetectSummary, ModelChoice } from '../../pipeline/options.ts'
import { UsageError } from '../failure.ts'
import { given } from '../given.ts'
import { cleanUpWhenInterrupted } from '../interrupt.ts'
import { modelText, percent, perDay, span } from '../model-text.ts'
import {
  acceptedAlarms,
  between,
  type InputOptions,
  inputOptions,
  modelOption,
  scoringOptions,
  share,
  thresholdOption,
  wholeNumber,
} from '../options.ts'
import { keepInput } from '../output-target.ts'
import { progress } from '../progress.ts'
import { count, counted } from '../read-text.ts'
import { readOptions } from '../reading.ts'
import { plain, print, printJson, style, table } from '../terminal.ts'

interface Options extends InputOptions {
  trainOn?: number
  model?: ModelChoice
  contamination?: number
  falseAlarms?: string
  threshold?: number
  benign?: true
  seed?: number
  report?: string
  local?: string[]
  workers?: number
}

const SHOWN_DEVICES = 15
const SHOWN_INCIDENTS = 20

export function backtestCommand(program: Command): void {
  thresholdOption(
    scoringOptions(
      inputOptions(
        program
          .command('backtest')
          .description('Replay history: learn from its first part, tell what would have come in the rest'),
      ),
    ),
  )
    .option('--train-on <share>', 'part of the records in time to learn from (default 70%)', share)
    .addOption(modelOption('which models; both = isolation-forest + lof, default all'))
    .option('--contamination <share>', 'as for train', between(0, 0.5, true))
    .option('--false-alarms <n/time>', 'as for train: 1/device-day, 1/device-week, 3/day', acceptedAlarms)
    .option('--benign', 'learn only from rows that are labelled benign')
    .option('--seed <n>', 'as for train', wholeNumber(0))
    .option('--report <file.html>', 'write a self-contained HTML report with plots')
    .addHelpText('after', EXAMPLES)
    .action(run)
}

const EXAMPLES = `
Examples:
  $ motewatch backtest --input history/ --train-on 70%
  $ motewatch backtest --input week.pcap --false-alarms 1/device-week --report replay.html
  $ motewatch backtest --input conn.log.labeled --benign --train-on 50% --json`

async function run(options: Options): Promise<void> {
  const { trainOn, model, contamination, falseAlarms, threshold, benign, seed, local, workers, report } =
    options
  const { input, reading } = await readOptions(options)
  if (report !== undefined) {
    if (report === '-') throw new UsageError('--report expects a file name, for example report.html')
    keepInput(report, input)
    cleanUpWhenInterrupted()
  }
  const { backtest } = await import('../../pipeline/backtest.ts')
  const page = report === undefined ? undefined : openSink(report)
  const highlights = new Highlights()
  const bar = await progress('Replaying')
  const replay = backtest(input, {
    ...reading,
    ...given({ trainOn, model, contamination, falseAlarms, threshold, benign, seed, local, workers }),
    onProgress: bar.update,
  })
  try {
    for (;;) {
      const next = await replay.next()
      if (next.done) {
        bar.stop()
        const result = next.value
        if (page) {
          const { backtestHtml } = await import('../../output/report/backtest-report.ts')
          await page.write(new TextEncoder().encode(backtestHtml(result, highlights)))
          page.close()
        }
        if (options.json) printJson(backtestJson(result))
        else print(await backtestText(result, report))
        return
      }
      highlights.add(next.value)
    }
  } catch (error) {
    page?.abort()
    throw error
  } finally {
    bar.stop()
  }
}

function backtestJson({ bundles, summary, ...result }: Backtest): Record<string, unknown> {
  const { reports, ...counts } = summary
  const incidents = summary.incidents.slice(0, SHOWN_INCIDENTS).map(incidentJson)
  return {
    ...result,
    incidents,
    summary: { ...counts, incidents: summary.incidents.length + summary.incidentsLeftOut },
    trained: bundles.map((bundle) => ({ kind: bundle.kind, ...bundle.summary })),
    sources: reports.map(reportFields),
  }
}

async function backtestText(result: Backtest, report: string | undefined): Promise<string> {
  const { bundles, summary, devices, byDay, attacks, falseAlarmRate } = result
  const lines = [
    ...bundles.map(modelText),
    '',
    `Replayed ${counted(result.records, 'records')} from ${rfc3339(result.from)} to ${rfc3339(result.to)}, ${span(result.to - result.from)}:`,
    `${style('bold', counted(result.alarms, 'alarms'))}, ${perDay(result.alarmsPerDeviceDay)}; anomalies of one device within ten minutes are one alarm`,
  ]
  if (attacks) {
    const found =
      attacks.records === 0
        ? 'no attacks'
        : `${count(attacks.found)} of ${counted(attacks.records, 'attack records')} found`
    lines.push(
      `By the labels: ${found}; false alarms ${perDay(result.falseAlarmsPerDeviceDay ?? 0)}, ${percent(falseAlarmRate ?? 0)} of the benign records`,
    )
  }
  const labelled = attacks !== null
  lines.push(
    '',
    await table(
      ['Device', 'Days', 'Alarms', 'a day', ...(labelled ? ['False alarms'] : []), 'Anomalies'],
      devices
        .slice(0, SHOWN_DEVICES)
        .map((d) => [
          plain(d.device),
          d.days.toFixed(1),
          count(d.alarms),
          d.days > 0 ? String(Number((d.alarms / d.days).toPrecision(2))) : '-',
          ...(d.falseAlarms === null ? [] : [count(d.falseAlarms)]),
          count(d.anomalies),
        ]),
      [1, 2, 3, 4, 5],
    ),
  )
  if (devices.length > SHOWN_DEVICES)
    lines.push(style('dim', `… and ${devices.length - SHOWN_DEVICES} more devices`))
  const days = Object.entries(byDay)
  if (days.length > 0)
    lines.push('', `Alarms a day: ${days.map(([day, n]) => `${day} ${count(n)}`).join(', ')}`)
  if (summary.incidents.length > 0) lines.push('', ...incidentLines(summary))
  if (report !== undefined) lines.push('', `The report is in ${style('bold', report)}; open it in a browser.`)
  return lines.join('\n')
}

/** The incidents with the most evidence. */
function incidentLines({ incidents, incidentsLeftOut }: DetectSummary): string[] {
  const shown = incidents.slice(0, SHOWN_INCIDENTS).map(({ type, first, description }) => {
    const when = Number.isNaN(first) ? '' : `${rfc3339(first).slice(0, 16).replace('T', ' ')}  `
    return `${when}${style('yellow', type)}  ${plain(description)}`
  })
  const rest = incidents.length + incidentsLeftOut - shown.length
  return rest > 0 ? [...shown, style('dim', `… and ${count(rest)} more incidents`)] : shown
}
