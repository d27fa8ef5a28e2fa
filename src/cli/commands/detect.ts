import { type Command, Option } from 'commander'
import { reportFields } from '../../adapters/read-report.ts'
import { ModelFormatError } from '../../models/buffer.ts'
import { anomalyJson } from '../../output/anomaly-columns.ts'
import { Highlights } from '../../output/highlights.ts'
import { incidentJson } from '../../output/incident-json.ts'
import { openSink, type Sink } from '../../output/sink.ts'
import { anomalyWriter, TABLE_FORMATS, type TableFormat } from '../../output/writers.ts'
import type { DetectSummary } from '../../pipeline/options.ts'
import type { Batch } from '../../schema/reading-batch.ts'
import type { ModelBundle } from '../../store/model-bundle.ts'
import { detectText } from '../detect-text.ts'
import { UsageError } from '../failure.ts'
import { given } from '../given.ts'
import { cleanUpWhenInterrupted } from '../interrupt.ts'
import { JsonDocument } from '../json-document.ts'
import { type TrainedOptions, trainedOptions } from '../options.ts'
import { keepInput, outputTarget } from '../output-target.ts'
import { progress } from '../progress.ts'
import { counted, readText } from '../read-text.ts'
import { readOptions } from '../reading.ts'
import type { DatabaseSink, Saved } from '../save-to-db.ts'
import { print, style } from '../terminal.ts'

interface Options extends TrainedOptions {
  output?: string
  format?: TableFormat
  report?: string
  saveToDb?: string | true
  failOnAnomaly?: true
}

export function detectCommand(program: Command): void {
  trainedOptions(
    program.command('detect').description('Tell which records are unusual, of which device, and why'),
  )
    .option('-o, --output <file>', 'write every anomaly there: .csv, .json, .ndjson or .parquet')
    .addOption(
      new Option(
        '--format <name>',
        'default by the extension of --output; alone, writes to standard output',
      ).choices(TABLE_FORMATS),
    )
    .option('--report <file.html>', 'write a self-contained HTML report')
    .option(
      '--save-to-db [url]',
      'keep devices, anomalies and incidents in a database, also while its service runs (default: as motewatch config tells)',
    )
    .option('--fail-on-anomaly', 'exit with 3 when there are anomalies')
    .addHelpText('after', EXAMPLES)
    .action(run)
}

const EXAMPLES = `
Examples:
  $ motewatch detect --input new.pcap --threshold 0.8 --output results.csv
  $ motewatch detect --input conn.log.labeled --model isolation-forest --format json
  $ motewatch detect --input captures/ --report report.html
  $ motewatch detect --input new.pcap --save-to-db
  $ tcpdump -w - | motewatch detect --input - --format ndjson
  $ motewatch detect --input today.log --fail-on-anomaly || mail -s 'look' admin < /dev/null`

/** A threshold at which much is somewhat unusual: to see what comes next. */
const LOW = 0.3

async function run(options: Options): Promise<void> {
  const { models, model, threshold, local, workers, report } = options
  const { input, reading } = await readOptions(options)
  const rows = options.output !== undefined || options.format !== undefined
  const target = outputTarget(options, input, TABLE_FORMATS, 'csv')
  if (options.json && rows && target.path === '-') {
    throw new UsageError(
      '--json prints one document that has the anomalies; leave --format out or add --output FILE',
    )
  }
  if (report !== undefined) {
    if (report === '-') throw new UsageError('--report expects a file name, for example report.html')
    keepInput(report, input)
  }
  const { detect } = await import('../../pipeline.ts')
  const database = await openDatabase(options.saveToDb)
  const bundles = await modelsOf(models, database)
  const highlights = new Highlights()
  if (rows || report !== undefined) cleanUpWhenInterrupted()
  // Opened now, so that a place that cannot be written is told before the work, not after.
  const page = report === undefined ? undefined : openSink(report)
  const writer = rows ? await anomalyWriter(target.format, openSink(target.path)) : undefined
  const document = options.json ? new JsonDocument('anomalies', anomalyJson) : undefined
  const bar = await progress('Detecting')
  const found = detect(input, bundles, {
    ...reading,
    ...given({ model, threshold, local, workers }),
    onProgress: bar.update,
    ...(database ? { onBatch: (batch: Batch) => database.watch(batch) } : {}),
  })
  let summary: DetectSummary
  let saved: Saved | undefined
  try {
    for (;;) {
      const next = await found.next()
      if (next.done) {
        summary = next.value
        break
      }
      highlights.add(next.value)
      await writer?.write(next.value)
      await document?.write(next.value)
      await database?.write(next.value)
    }
    saved = await database?.finish(summary.incidents)
    await writer?.close()
    if (page) await writeReport(page, summary, highlights, bundles)
  } catch (error) {
    writer?.abort()
    page?.abort()
    await database?.close()
    throw document ? await document.fail(error) : error
  } finally {
    bar.stop()
  }
  if (document) {
    const { reports, incidents, ...counts } = summary
    await document.finish({
      incidents: incidents.map(incidentJson),
      summary: counts,
      sources: reports.map(reportFields),
      models,
      ...given({ output: options.output, report, saved }),
    })
  } else await say(options, input, summary, highlights, rows && target.path === '-')
  if (saved && !document) process.stderr.write(`${savedText(saved)}\n`)
  if (options.failOnAnomaly && summary.anomalies > 0) process.exitCode = 3
}

async function openDatabase(url: string | true | undefined): Promise<DatabaseSink | undefined> {
  if (url === undefined) return undefined
  const { DatabaseSink } = await import('../save-to-db.ts')
  return DatabaseSink.open(url)
}

/** The models of the folder; where it has none, those of the database. */
async function modelsOf(folder: string, database: DatabaseSink | undefined): Promise<ModelBundle[]> {
  const { loadBundles } = await import('../../store/model-bundle.ts')
  try {
    return await loadBundles(folder)
  } catch (error) {
    const found = error instanceof ModelFormatError ? [] : await database?.models()
    if (found && found.length > 0) return found
    await database?.close()
    throw error
  }
}

function savedText({ database, anomalies, incidents, known, left_out }: Saved): string {
  const rest = [
    known > 0 ? `; ${known} were there already` : '',
    left_out > 0 ? `; ${left_out} more are counted in their incidents only` : '',
  ]
  return `${counted(anomalies, 'anomalies')} and ${counted(incidents, 'incidents')} saved to ${database}${rest.join('')}`
}

/** Tells a person what was found: on standard output, or beside it when the rows go there. */
async function say(
  { output, report, models, adapter, map, local }: Options,
  input: readonly string[],
  summary: DetectSummary,
  highlights: Highlights,
  aside: boolean,
): Promise<void> {
  if (aside) {
    process.stderr.write(`${readText(summary.reports)}\n${counted(summary.anomalies, 'anomalies')}\n`)
    return
  }
  print(await detectText(summary, highlights))
  const next: string[] = []
  if (output !== undefined)
    next.push(`All ${counted(summary.anomalies, 'anomalies')} are in ${style('bold', output)}.`)
  if (report !== undefined) next.push(`The report is in ${style('bold', report)}; open it in a browser.`)
  const settings: [string, string | undefined][] = [
    ['--adapter', adapter],
    ['--map', map],
    ['--local', local?.join(',')],
    ['--models', models === 'models/' ? undefined : models],
  ]
  const rest = settings.filter(([, value]) => value !== undefined).flat()
  const again = ['motewatch detect --input', ...input, ...rest].join(' ')
  if (summary.anomalies > 0 && output === undefined && !input.includes('-')) {
    next.push(`Every anomaly with its reasons:  ${again} --output anomalies.csv`)
  }
  if (summary.anomalies > 0 && report === undefined && !input.includes('-')) {
    next.push(`To look at them with plots:      ${again} --report report.html`)
  }
  if (summary.anomalies === 0 && summary.threshold > LOW && !input.includes('-')) {
    next.push(`To see the least usual records:  ${again} --threshold ${LOW}`)
  }
  if (next.length > 0) print(`\n${next.join('\n')}`)
}

async function writeReport(
  page: Sink,
  summary: DetectSummary,
  highlights: Highlights,
  bundles: readonly ModelBundle[],
): Promise<void> {
  const { reportHtml } = await import('../../output/report/report.ts')
  await page.write(new TextEncoder().encode(reportHtml(summary, highlights, bundles)))
  page.close()
}
