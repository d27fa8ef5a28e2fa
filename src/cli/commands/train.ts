import type { Command } from 'commander'
import { reportFields } from '../../adapters/read-report.ts'
import { DEFAULT_CONTAMINATION, type ModelChoice } from '../../pipeline/options.ts'
import { given } from '../given.ts'
import { modelText } from '../model-text.ts'
import {
  acceptedAlarms,
  between,
  type InputOptions,
  inputOptions,
  modelOption,
  scoringOptions,
  share,
  wholeNumber,
} from '../options.ts'
import { progress } from '../progress.ts'
import { readText } from '../read-text.ts'
import { readOptions } from '../reading.ts'
import { print, printJson, style } from '../terminal.ts'

interface Options extends InputOptions {
  outputDir: string
  model: ModelChoice
  contamination?: number
  falseAlarms?: string
  seed?: number
  benign?: true
  first?: number
  local?: string[]
  workers?: number
}

export function trainCommand(program: Command): void {
  scoringOptions(
    inputOptions(program.command('train').description('Learn from traffic or readings what is normal')),
  )
    .option('-o, --output-dir <folder>', 'where the models go', 'models/')
    .addOption(modelOption('which models to train; both = isolation-forest + lof').default('all'))
    .option(
      '--contamination <share>',
      `share of normal records taken to be unusual, where confidence is 0.5 (default ${DEFAULT_CONTAMINATION})`,
      between(0, 0.5, true),
    )
    .option(
      '--false-alarms <n/time>',
      'false alarms that are acceptable: 1/device-day, 1/device-week, or 3/day for all devices together; decides the threshold of detect',
      acceptedAlarms,
    )
    .option('--benign', 'learn only from rows that are labelled benign')
    .option('--first <share>', 'learn only from the first part of the rows in time, for example 50%', share)
    .option('--seed <n>', 'another seed gives another, equally good model (default 0)', wholeNumber(0))
    .addHelpText('after', EXAMPLES)
    .action(run)
}

const EXAMPLES = `
Examples:
  $ motewatch train --input traffic.csv --output-dir models/
  $ motewatch train --input capture.pcap --adapter pcap --contamination 0.05
  $ motewatch train --input week.pcap --false-alarms 1/device-week
  $ motewatch train --input conn.log.labeled --benign --first 50%
  $ motewatch train --input monday.pcap tuesday.pcap readings.json`

async function run(options: Options): Promise<void> {
  const { input, reading } = await readOptions(options)
  const [{ train }, { saveBundles }] = await Promise.all([
    import('../../pipeline.ts'),
    import('../../store/model-bundle.ts'),
  ])
  const { outputDir, model, contamination, falseAlarms, seed, benign, first, local, workers } = options
  const bar = await progress('Training', 'learning')
  try {
    const result = await train(input, {
      ...reading,
      ...given({ model, contamination, falseAlarms, seed, benign, first, local, workers }),
      onProgress: bar.update,
    })
    await saveBundles(outputDir, result.bundles)
    bar.stop()
    if (options.json) {
      printJson({
        models: outputDir,
        trained: result.bundles.map(({ kind, summary }) => ({ kind, ...summary })),
        sources: result.reports.map(reportFields),
        seconds: result.seconds,
      })
      return
    }
    print(readText(result.reports))
    for (const bundle of result.bundles) print(`\n${modelText(bundle)}`)
    print(`\nWritten to ${style('bold', outputDir)} in ${result.seconds.toFixed(1)} s. Next:`)
    print(`  motewatch detect --input ${input[0] === '-' ? 'FILE' : input[0]} --models ${outputDir}`)
  } finally {
    bar.stop()
  }
}
