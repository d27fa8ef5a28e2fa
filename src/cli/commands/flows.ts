import { type Command, Option } from 'commander'
import type { ReadReport } from '../../adapters/read-report.ts'
import { reportFields } from '../../adapters/read-report.ts'
import { flowJson } from '../../output/flow-columns.ts'
import { openSink } from '../../output/sink.ts'
import { FLOW_FORMATS, type FlowFormat, flowWriter } from '../../output/writers.ts'
import { cleanUpWhenInterrupted } from '../interrupt.ts'
import { JsonDocument } from '../json-document.ts'
import { type InputOptions, inputOptions, wholeNumber } from '../options.ts'
import { outputTarget } from '../output-target.ts'
import { progress } from '../progress.ts'
import { readText } from '../read-text.ts'
import { readOptions } from '../reading.ts'
import { printJson } from '../terminal.ts'

interface Options extends InputOptions {
  output?: string
  format?: FlowFormat
  workers?: number
}

export function flowsCommand(program: Command): void {
  inputOptions(program.command('flows').description('Turn captures and logs into flows, as Zeek writes them'))
    .option('-o, --output <file>', 'where the flows go; default standard output')
    .addOption(
      new Option('--format <name>', 'default by the extension of --output, else zeek').choices(FLOW_FORMATS),
    )
    .option('--workers <n>', 'threads; default one a core', wholeNumber(1, 1024))
    .addHelpText('after', EXAMPLES)
    .action(run)
}

const EXAMPLES = `
Examples:
  $ motewatch flows --input capture.pcap                       Zeek's conn.log
  $ motewatch flows --input captures/ --output flows.parquet
  $ tcpdump -w - | motewatch flows --input - --format ndjson`

async function run(options: Options): Promise<void> {
  const { input, reading } = await readOptions(options)
  const target = outputTarget(options, input, FLOW_FORMATS, 'zeek')
  const [{ readBatches }, { InputError }, { availableParallelism }] = await Promise.all([
    import('../../adapters/read.ts'),
    import('../../adapters/read-report.ts'),
    import('node:os'),
  ])
  const reports: ReadReport[] = []
  const bar = await progress('Reading')
  cleanUpWhenInterrupted()
  const beside = options.json && target.path === '-'
  const document = beside ? new JsonDocument('flows', flowJson) : undefined
  const writer = beside ? undefined : await flowWriter(target.format, openSink(target.path))
  let flows = 0
  try {
    const workers = options.workers ?? availableParallelism()
    const batches = readBatches(input, { ...reading, workers, onProgress: bar.update }, reports)
    for await (const { source, batch } of batches) {
      if (batch.kind !== 'flows') {
        throw new InputError(`${source} holds readings, not flows; motewatch inspect shows what is in it`)
      }
      await writer?.write(batch)
      await document?.write(batch)
      flows += batch.length
    }
    await writer?.close()
  } catch (error) {
    writer?.abort()
    throw document ? await document.fail(error) : error
  } finally {
    bar.stop()
  }
  const sources = reports.map(reportFields)
  if (document) await document.finish({ summary: { flows }, sources })
  else if (options.json)
    printJson({ summary: { flows }, output: target.path, format: target.format, sources })
  else process.stderr.write(`${readText(reports)}\n`)
}
