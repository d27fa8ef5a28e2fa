import type { Command } from 'commander'
import type { SimulationSummary } from '../../simulate/write-simulation.ts'
import { UsageError } from '../failure.ts'
import { given } from '../given.ts'
import { cleanUpWhenInterrupted } from '../interrupt.ts'
import { between, names, wholeNumber } from '../options.ts'
import { progress } from '../progress.ts'
import { counted } from '../read-text.ts'
import { print, printJson, style } from '../terminal.ts'

interface Options {
  output: string
  devices?: number
  hours?: number
  attacks?: string[]
  faults?: string[]
  seed?: number
  json?: true
}

export function simulateCommand(program: Command): void {
  program
    .command('simulate')
    .description('Make traffic and readings of a home and a small factory, with labelled attacks and faults')
    .option('-o, --output <folder>', 'where the files go', 'demo/')
    .option('--devices <n>', 'how many devices (default 20)', wholeNumber(1, 5000))
    .option('--hours <n>', 'how long (default 24)', between(0.1, 8784))
    .option('--attacks <names>', 'attacks, separated by commas (default none)', names)
    .option('--faults <names>', 'sensor faults, separated by commas (default none)', names)
    .option('--seed <n>', 'another seed makes another, equally likely day (default 0)', wholeNumber(0))
    .option('--json', 'print one JSON document on standard output and nothing else')
    .addHelpText('after', EXAMPLES)
    .action(run)
}

const EXAMPLES = `
Attacks: scan, flood, beacon, exfiltration, bruteforce. Faults: spike, drift, stuck, noise.

Examples:
  $ motewatch simulate --devices 20 --hours 24 --attacks scan,flood,beacon,exfiltration,bruteforce --output demo/
  $ motewatch simulate --hours 48 --faults spike,stuck --seed 7`

async function run(options: Options): Promise<void> {
  const { output, json, ...wanted } = options
  const { writeSimulation } = await import('../../simulate/write-simulation.ts')
  cleanUpWhenInterrupted()
  const bar = await progress('Simulating')
  try {
    const summary = await writeSimulation(output, {
      ...given(wanted),
      onProgress: (share) => bar.update(share, 1, output),
    })
    bar.stop()
    if (json) printJson({ output, ...summary })
    else print(simulationText(summary, output))
  } catch (error) {
    // Names and ranges are checked by the simulator, which knows them.
    throw error instanceof RangeError ? new UsageError(error.message) : error
  } finally {
    bar.stop()
  }
}

function simulationText(summary: SimulationSummary, output: string): string {
  const { devices, flows, packets, readings, incidents, files } = summary
  const lines = [
    `${counted(devices, 'devices')}, ${counted(flows, 'flows')}, ${counted(packets, 'packets')}, ${counted(readings, 'readings')}`,
    ...incidents.map(
      (i) =>
        `  ${style('yellow', i.type)} (${i.variant}) by ${i.device_name}: ${counted(i.records, 'records')}`,
    ),
    '',
    `Written to ${style('bold', output)}:`,
    ...files.map((file) => `  ${file}`),
    '',
    'Next:',
    `  motewatch train --input ${files.find((f) => f.endsWith('.labeled')) ?? output} --benign`,
  ]
  return lines.join('\n')
}
