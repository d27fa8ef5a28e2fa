import { stat } from 'node:fs/promises'
import { openInput } from '../adapters/open.ts'
import { type ReadInputOptions, readSource } from '../adapters/read.ts'
import { InputError, ReadReport } from '../adapters/read-report.ts'
import { DeviceResolver } from '../devices/device-resolver.ts'
import type { BatchSource } from '../pipeline.ts'
import { type FlowBatch, FlowBatchBuilder } from '../schema/flow-batch.ts'
import { type Batch, type ReadingBatch, ReadingBatchBuilder } from '../schema/reading-batch.ts'
import type { Flow } from '../store/flows.ts'
import { type StoredRange, storedFlows, storedReadings } from '../store/ranges.ts'
import type { Store } from '../store/store.ts'
import type { JobContext } from './kind.ts'
import { type Upload, Uploads } from './uploads.ts'

/** An uploaded file under its sender's name; the service's own name for it is never told. */
export function uploadedBatches(
  upload: Upload,
  options: ReadInputOptions,
  { folder, progress }: Pick<JobContext, 'folder' | 'progress'>,
): BatchSource {
  const { name } = upload
  const path = new Uploads(folder).path(upload)
  return {
    name,
    async *batches(reports) {
      const report = new ReadReport(name)
      reports.push(report)
      const { size } = await stat(path).catch(() => {
        throw new InputError(`${name} is no longer in the folder of this service; send it again`)
      })
      const source = await openInput({ name, path, size, found: false }, (read) =>
        progress(size > 0 ? read / size : null, 'reading'),
      )
      try {
        for await (const batch of readSource(source, options, report)) yield { source: name, batch }
      } finally {
        await source.close()
      }
    },
  }
}

/** What is stored of some devices in a stretch of time, in order of time; flows first, then readings. */
export function storedBatches(
  range: StoredRange,
  kinds: readonly Batch['kind'][],
  { store, progress }: Pick<JobContext, 'store' | 'progress'>,
): BatchSource {
  async function* read(kind: Batch['kind'], report: ReadReport) {
    const batches = kind === 'flows' ? flowBatches(range, store) : readingBatches(range, store)
    for await (const { batch, until } of batches) {
      report.used += batch.length
      progress((until - range.from) / (range.to - range.from), `reading ${kind}`)
      yield { source: report.source, batch }
    }
  }
  return {
    name: 'the store',
    async *batches(reports) {
      for (const kind of kinds) {
        const report = new ReadReport(`stored ${kind}`)
        report.unit = 'records'
        report.adapter = 'store'
        reports.push(report)
        yield* read(kind, report)
      }
    },
  }
}

async function* readingBatches(range: StoredRange, store: Store) {
  for await (const { rows, until } of storedReadings(store, range)) {
    const builder = new ReadingBatchBuilder(rows.length)
    for (const row of rows) builder.add(row)
    yield { batch: builder.finish() satisfies ReadingBatch, until }
  }
}

async function* flowBatches(range: StoredRange, store: Store) {
  const resolver = new DeviceResolver()
  for await (const { rows, until } of storedFlows(store, range)) {
    const builder = new FlowBatchBuilder(rows.length)
    for (const { flow } of rows) builder.add(recordOf(flow))
    yield { batch: withAddresses(builder.finish(), rows, resolver), until }
  }
}

function recordOf({ id: _, device_id: __, ...flow }: Flow) {
  return Object.fromEntries(Object.entries(flow).filter(([, value]) => value !== null))
}

/** A device known by its MAC address stays it: the address goes back to the side that the device is on. */
function withAddresses(
  batch: FlowBatch,
  rows: readonly { readonly device: string | undefined }[],
  resolver: DeviceResolver,
): FlowBatch {
  if (!rows.some(({ device }) => device !== undefined && isMac(device))) return batch
  const { device_is_orig } = resolver.assign(batch)
  const builder = new FlowBatchBuilder(batch.length)
  rows.forEach(({ device = '' }, i) => {
    const mac = isMac(device) ? device : ''
    builder.strings.orig_l2_addr.push(device_is_orig![i] ? mac : '')
    builder.strings.resp_l2_addr.push(device_is_orig![i] ? '' : mac)
  })
  return {
    ...batch,
    orig_l2_addr: builder.strings.orig_l2_addr.finish(),
    resp_l2_addr: builder.strings.resp_l2_addr.finish(),
  }
}

function isMac(name: string): boolean {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(name)
}
