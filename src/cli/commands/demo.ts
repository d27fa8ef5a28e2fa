import type { Command } from 'commander'
import { Highlights } from '../../output/highlights.ts'
import { writeOutput } from '../../output/sink.ts'
import type { Anomaly } from '../../schema/anomaly.ts'
import type { WrittenIncident } from '../../simulate/write-simulation.ts'
import { detectText } from '../detect-text.ts'
import { modelText } from '../model-text.ts'
import { progress } from '../progress.ts'
import { count, counted } from '../read-text.ts'
import { existingModels, makeSample, trainOnSample } from '../sample-models.ts'
import { print, style, table } from '../terminal.ts'

const MODELS = 'models/'
const REPORT = 'demo/report.html'

export function demoCommand(program: Command): void {
  program
    .command('demo')
    .description('Show what Motewatch does, on the bundled sample')
    .addHelpText('after', EXAMPLES)
    .action(run)
}

const EXAMPLES = `
Makes the sample in demo/sample/, trains on its quiet part into models/ where there are no models yet, detects in
all of it, compares with what was hidden in it, and writes a report to demo/report.html.

Example:
  $ motewatch demo`

async function run(): Promise<void> {
  print(style('dim', 'Simulating four days of a home and a small factory …'))
  const sample = await makeSample()
  let bundles = await existingModels(MODELS)
  if (!bundles) {
    print(style('dim', 'Learning what is normal from the first two thirds …'))
    bundles = [...(await trainOnSample(sample, MODELS))]
  }
  print(`\n${bundles.map(modelText).join('\n\n')}\n`)

  const [{ detect }, { reportHtml }] = await Promise.all([
    import('../../pipeline.ts'),
    import('../../output/report/report.ts'),
  ])
  const highlights = new Highlights()
  const found = new Map<number, number>()
  const bar = await progress('Detecting')
  try {
    const anomalies = detect([sample.flows, sample.readings], bundles, { onProgress: bar.update })
    for (;;) {
      const next = await anomalies.next()
      if (next.done) {
        bar.stop()
        writeOutput(REPORT, reportHtml(next.value, highlights, bundles))
        print(await detectText(next.value, highlights, 5))
        break
      }
      highlights.add(next.value)
      for (const anomaly of next.value) {
        for (const { id } of sample.incidents.filter((i) => belongs(anomaly, i))) {
          found.set(id, (found.get(id) ?? 0) + 1)
        }
      }
    }
  } finally {
    bar.stop()
  }
  print(`\n${await truth(sample.incidents, found)}`)
  print(`\nA page with plots is in ${style('bold', REPORT)}; open it in a browser.`)
  print(`\nNow with your own data:
  motewatch train --input FILE                          a capture, a log, a CSV, a folder
  motewatch detect --input FILE --report report.html
  motewatch serve                                       leave it running: API, live events
  motewatch --help`)
}

/** Whether an anomaly is of the device and time of an incident. */
function belongs(anomaly: Anomaly, incident: WrittenIncident): boolean {
  const { device, device_name, address, start, end, detailed_label } = incident
  return (
    [device, device_name, address].includes(anomaly.device) &&
    anomaly.timestamp >= start &&
    anomaly.timestamp <= end &&
    anomaly.label?.toLowerCase() === detailed_label.toLowerCase()
  )
}

/** What was hidden in the sample, and how much of it was found. */
async function truth(
  incidents: readonly WrittenIncident[],
  found: ReadonlyMap<number, number>,
): Promise<string> {
  const hit = incidents.filter((i) => found.has(i.id)).length
  const rows = incidents.map((i) => [
    found.has(i.id) ? style('green', 'found') : style('red', 'missed'),
    `${i.type} (${i.variant})`,
    i.device_name,
    `${count(found.get(i.id) ?? 0)} of ${counted(i.records, 'records')}`,
  ])
  const head = `Hidden in the sample were ${counted(incidents.length, 'incidents')}; ${count(hit)} of them were found:`
  return `${head}\n\n${await table(['', 'Incident', 'Device', 'Anomalies'], rows)}`
}
