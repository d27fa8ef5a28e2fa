import { type Command, Option } from 'commander'
import type { Feedback } from '../../schema/feedback.ts'
import type { ModelBundle } from '../../store/model-bundle.ts'
import { UsageError } from '../failure.ts'
import { aboutText, feedbackTable } from '../feedback-text.ts'
import { given } from '../given.ts'
import { wholeNumber } from '../options.ts'
import { plain, print, printJson } from '../terminal.ts'

interface Options {
  models: string
  json?: true
}

interface AddOptions extends Options {
  from: string
  record?: number
  incident?: number
  adaptation?: string
  verdict: Feedback['verdict']
  note?: string
  by?: string
}

const JUDGEMENTS = ['expected', 'confirmed'] as const
const DECISIONS = ['hold', 'follow'] as const

export function feedbackCommand(program: Command): void {
  const feedback = program
    .command('feedback')
    .description('Say what was expected and what was a real problem: it changes what is alarmed next')
    .addHelpText('after', EXAMPLES)
  const sub = (name: string, description: string) =>
    feedback
      .command(name)
      .description(description)
      .option('--models <folder>', 'folder with the trained models, which keep it', 'models/')
      .option('--json', 'print one JSON document on standard output and nothing else')
      .addHelpText('after', EXAMPLES)
  sub('add', 'Say something about an anomaly, an incident or a step of adaptation')
    .requiredOption('--from <file>', 'what detect --json or detect --output wrote: .json or .ndjson')
    .option('--record <n>', 'the anomaly with this record number', wholeNumber(0))
    .option('--incident <n>', 'the incident with this number', wholeNumber(1))
    .option('--adaptation <id>', 'the step by which a slow change was followed (detect --json)')
    .addOption(
      new Option('--verdict <verdict>', 'what you say; hold and follow are about an adaptation')
        .choices([...JUDGEMENTS, ...DECISIONS])
        .makeOptionMandatory(),
    )
    .option('--note <text>', 'why, to be read later')
    .option('--by <name>', 'who says it')
    .action(add)
  sub('list', 'List what was said').action(list)
  sub('undo <id>', 'Take back what was said: alarms are as they were before').action(undo)
}

const EXAMPLES = `
Verdicts: expected (normal here, do not alarm the like of it), confirmed (a real problem, alarm the like of it sooner);
about an adaptation: hold (take it back and go no further), follow (more of it is fine).

Examples:
  $ motewatch detect --input today.pcap --output anomalies.json
  $ motewatch feedback add --from anomalies.json --incident 3 --verdict expected --note 'nightly backup'
  $ motewatch feedback add --from anomalies.json --record 4711 --verdict confirmed
  $ motewatch feedback list
  $ motewatch feedback undo 3f2a9c01`

async function add(options: AddOptions): Promise<void> {
  const { record, incident, adaptation, verdict, models } = options
  if ([record, incident, adaptation].filter((what) => what !== undefined).length !== 1) {
    throw new UsageError('feedback add expects one of --record, --incident and --adaptation')
  }
  if ((adaptation !== undefined) !== isDecision(verdict)) {
    throw new UsageError(
      `--verdict ${verdict} is about ${isDecision(verdict) ? 'an --adaptation' : 'a --record or an --incident'}`,
    )
  }
  const [{ FoundFile }, { feedbackOn, feedbackOnAdaptation }] = await Promise.all([
    import('../found-file.ts'),
    import('../../feedback/entry.ts'),
  ])
  const found = await FoundFile.read(options.from)
  const said = given({ note: options.note, by: options.by })
  let entry: Feedback
  if (isDecision(verdict)) entry = feedbackOnAdaptation(found.adaptation(adaptation!), verdict, said)
  else {
    const subject = record === undefined ? found.incident(incident!) : found.anomaly(record)
    entry = feedbackOn(subject, verdict, said)
  }
  const kept = await change(models, (bundle) =>
    bundle.kind === entry.kind ? [...(bundle.feedback ?? []), entry] : undefined,
  )
  if (!kept) throw new Error(`${models} has no model for ${entry.kind}, which this is about`)
  if (options.json) printJson({ added: entry })
  else {
    print(`${entry.id} ${verdict}: ${plain(aboutText(entry))}`)
    print(`Kept in ${models}; take it back with  motewatch feedback undo ${entry.id}${folderOption(models)}`)
  }
}

async function list({ models, json }: Options): Promise<void> {
  const { loadBundles } = await import('../../store/model-bundle.ts')
  const entries = (await loadBundles(models)).flatMap(({ feedback }) => feedback ?? [])
  if (json) printJson({ feedback: entries })
  else if (entries.length === 0) print(`Nothing was said yet about the models in ${models}.`)
  else print(await feedbackTable(entries))
}

async function undo(id: string, { models, json }: Options): Promise<void> {
  let removed: Feedback | undefined
  await change(models, (bundle) => {
    const entry = bundle.feedback?.find((e) => e.id === id)
    removed ??= entry
    return entry && bundle.feedback?.filter((e) => e !== entry)
  })
  if (!removed) {
    throw new Error(`${models} has no feedback ${id}; \`motewatch feedback list\` shows what there is`)
  }
  if (json) printJson({ removed })
  else print(`Taken back: ${removed.id} ${removed.verdict}: ${plain(aboutText(removed))}`)
}

/** Saves the models whose feedback `to` changes; tells whether there was one. */
async function change(
  folder: string,
  to: (bundle: ModelBundle) => readonly Feedback[] | undefined,
): Promise<boolean> {
  const [{ loadBundles, saveBundles }, { withFeedback }] = await Promise.all([
    import('../../store/model-bundle.ts'),
    import('../../feedback/entry.ts'),
  ])
  const changed = (await loadBundles(folder)).flatMap((bundle) => {
    const entries = to(bundle)
    return entries ? [withFeedback(bundle, entries)] : []
  })
  await saveBundles(folder, changed)
  return changed.length > 0
}

function isDecision(verdict: Feedback['verdict']): verdict is (typeof DECISIONS)[number] {
  return verdict === 'hold' || verdict === 'follow'
}

function folderOption(models: string): string {
  return models === 'models/' ? '' : ` --models ${models}`
}
