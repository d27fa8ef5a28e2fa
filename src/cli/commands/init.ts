import type { Command } from 'commander'
import { modelText } from '../model-text.ts'
import { existingModels, makeSample, trainOnSample } from '../sample-models.ts'
import { print, printJson, style } from '../terminal.ts'

interface Options {
  outputDir: string
  json?: true
}

export function initCommand(program: Command): void {
  program
    .command('init')
    .description('Train the default models on the bundled sample, where there are none yet')
    .option('-o, --output-dir <folder>', 'where the models go', 'models/')
    .option('--json', 'print one JSON document on standard output and nothing else')
    .addHelpText('after', EXAMPLES)
    .action(run)
}

const EXAMPLES = `
Models of your own traffic are better: motewatch train replaces these.

Examples:
  $ motewatch init
  $ motewatch init --output-dir sample-models/`

async function run({ outputDir, json }: Options): Promise<void> {
  const existing = await existingModels(outputDir)
  const bundles = existing ?? (await trainOnSample(await makeSample(), outputDir))
  if (json) {
    const trained = bundles.map(({ kind, summary }) => ({ kind, ...summary }))
    printJson({ models: outputDir, existed: existing !== undefined, trained })
    return
  }
  print(bundles.map(modelText).join('\n\n'))
  print(
    existing
      ? `\nNothing to do: these are in ${style('bold', outputDir)} already. motewatch train replaces them.`
      : `\nWritten to ${style('bold', outputDir)}. Next:\n  motewatch detect --input FILE`,
  )
}
