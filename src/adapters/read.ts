import type { FlowBatch } from '../schema/flow-batch.ts'
import type { Batch, ReadingBatch } from '../schema/reading-batch.ts'
import type { ReadOptions } from './adapter.ts'
import { concatFlows, concatReadings } from './concat.ts'
import { detectFormat } from './detect-format.ts'
import { type Input, listInputs, type OnProgress, type OpenSource, openInput } from './open.ts'
import { InputError, ReadReport } from './read-report.ts'

/** How to read inputs; every field has a default. */
export interface ReadInputOptions extends ReadOptions {
  /** Name of the adapter to use instead of the one found by content. */
  readonly adapter?: string
  /** Called as bytes come in (compressed ones where the file is compressed). */
  readonly onProgress?: OnProgress
}

/**
 * Reads files, folders (recursively, by name) and standard input ('-') as batches, in order.
 *
 * @param reports one report a source is pushed before the source's first batch, and filled while reading
 * @throws InputError when an input named by the user cannot be used, or none of a folder's files can
 */
export async function* readBatches(
  inputs: readonly string[],
  options: ReadInputOptions,
  reports: ReadReport[],
): AsyncGenerator<{ source: string; batch: Batch }> {
  const listed = await listInputs(inputs)
  let failure: unknown
  let used = 0
  for (const input of listed) {
    const report = new ReadReport(input.name)
    reports.push(report)
    try {
      for await (const batch of readInput(input, options, report)) {
        if (batch.length > 0) yield { source: input.name, batch }
      }
    } catch (error) {
      // Only what was found in a folder and gave nothing may be passed over.
      if (!(error instanceof InputError) || !input.found || report.used > 0) throw error
      report.note(`skipped: ${error.message}`)
      failure ??= error
    }
    used += report.used
  }
  if (used === 0 && failure) throw failure
}

async function* readInput(
  input: Input,
  options: ReadInputOptions,
  report: ReadReport,
): AsyncGenerator<Batch> {
  const source = await openInput(input, options.onProgress)
  try {
    yield* readSource(source, options, report, input.found)
  } finally {
    await source.close()
  }
}

/** Reads one opened source by the adapter its content or `options.adapter` asks for; `found` in a folder, not named. */
export async function* readSource(
  source: OpenSource,
  options: ReadInputOptions,
  report: ReadReport,
  found = false,
): AsyncGenerator<Batch> {
  source.onDamage = (message) => report.note(message)
  const adapter = detectFormat(source, options.adapter, found)
  report.adapter = adapter.name
  yield* adapter.read(source, options, report)
}

/**
 * Everything in `inputs` as one batch of flows.
 *
 * @throws InputError when an input cannot be used or holds readings
 */
export async function readFlows(
  inputs: string | readonly string[],
  options: ReadInputOptions = {},
): Promise<FlowBatch> {
  const batches: FlowBatch[] = []
  for await (const { source, batch } of readBatches(listOf(inputs), options, [])) {
    if (batch.kind !== 'flows')
      throw new InputError(`${source} holds readings where flows are expected; use readReadings`)
    batches.push(batch)
  }
  return concatFlows(batches)
}

/**
 * Everything in `inputs` as one batch of readings.
 *
 * @throws InputError when an input cannot be used or holds flows
 */
export async function readReadings(
  inputs: string | readonly string[],
  options: ReadInputOptions = {},
): Promise<ReadingBatch> {
  const batches: ReadingBatch[] = []
  for await (const { source, batch } of readBatches(listOf(inputs), options, [])) {
    if (batch.kind !== 'readings')
      throw new InputError(`${source} holds flows where readings are expected; use readFlows`)
    batches.push(batch)
  }
  return concatReadings(batches)
}

function listOf(inputs: string | readonly string[]): readonly string[] {
  return typeof inputs === 'string' ? [inputs] : inputs
}
