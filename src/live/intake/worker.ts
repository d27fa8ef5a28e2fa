/** The program of the intake's thread: parses what is waiting and stores it in one transaction, then answers. */
import { parentPort, workerData } from 'node:worker_threads'
import { DeviceResolver } from '../../devices/device-resolver.ts'
import { FlowBatchBuilder } from '../../schema/flow-batch.ts'
import { Busy, StoreFull } from '../../store/errors.ts'
import { ReadingRows } from '../../store/reading-rows.ts'
import {
  IN_HOUR,
  type Incoming,
  MOST_SHAPES,
  NEW,
  OTHER,
  recordWriter,
  SHAPELESS,
} from '../../store/record-writer.ts'
import { parseFlows } from './flow-parser.ts'
import { ReadingParser } from './reading-parser.ts'
import { type IntakeResult, Tally } from './result.ts'

/** A body to take in. */
export interface IntakeRequest {
  readonly id: number
  readonly kind: 'readings' | 'flows'
  readonly source: string
  readonly bytes: Uint8Array
}

export interface IntakeAnswer {
  readonly id: number
  readonly result?: IntakeResult
  readonly error?: { readonly name: string; readonly message: string; readonly retryAfter?: number }
}

export interface IntakeSettings {
  readonly database: string
  readonly local: readonly string[] | undefined
}

/** Records taken in in one transaction at most, about: an answer waits no longer than that takes. */
const GROUP = 20_000
/** Milliseconds between looks at what else is to be done. */
const REST = 250

if (!parentPort) throw new Error('worker.ts is the program of the intake thread')
const port = parentPort
const settings = workerData as IntakeSettings
const writer = await recordWriter(settings.database)
const parser = new ReadingParser()
const devices = new DeviceResolver(settings.local ? { local: settings.local } : {})
const waiting: IntakeRequest[] = []
let working = false
let closing = false

port.on('message', (message: IntakeRequest | 'close') => {
  if (message === 'close') closing = true
  else waiting.push(message)
  // Messages that came together are all in `waiting` by then.
  if (!working) {
    working = true
    setImmediate(() => void work())
  }
})
const resting = setInterval(() => {
  if (!working) void rest()
}, REST)
port.postMessage('ready')

async function work(): Promise<void> {
  while (waiting.length > 0) {
    await takeIn()
    await rest()
    // Lets the port hand over what came meanwhile.
    await new Promise((resolve) => setImmediate(resolve))
  }
  working = false
  if (!closing) return
  clearInterval(resting)
  await writer.close()
  port.close()
}

async function rest(): Promise<void> {
  try {
    await writer.rest()
  } catch (error) {
    // Tried again later; what was answered is on disk.
    port.postMessage({ warning: (error as Error).message })
  }
}

/** A request, and which rows of a batch are its own. */
interface Share {
  readonly request: IntakeRequest
  readonly tally: Tally
  readonly incoming: Incoming
  readonly from: number
  readonly to: number
  /** Number in the request of row `i`. */
  recordOf(i: number): number
}

/** Takes in what is waiting, readings of one source as one batch. */
async function takeIn(): Promise<void> {
  const shares: Share[] = []
  const readings = new Map<string, Incoming & { kind: 'readings' }>()
  for (let records = 0; waiting.length > 0 && records < GROUP; ) {
    const request = waiting.shift()!
    const share = request.kind === 'readings' ? readingsOf(request, readings) : flowsOf(request)
    shares.push(share)
    records += share.tally.read
  }
  const work = [...new Set(shares.map(({ incoming }) => incoming))].filter(
    (incoming) => lengthOf(incoming) > 0,
  )
  for (const incoming of work) incoming.outcome = new Uint8Array(lengthOf(incoming))
  try {
    if (work.length > 0) await writer.write(work)
  } catch (error) {
    for (const { request } of shares) answer({ id: request.id, error: told(error) })
    return
  }
  for (const share of shares) answer({ id: share.request.id, result: resultOf(share) })
}

function readingsOf(request: IntakeRequest, bySource: Map<string, Incoming & { kind: 'readings' }>): Share {
  const tally = new Tally()
  const { source } = request
  const incoming =
    bySource.get(source) ??
    ({ kind: 'readings', source, rows: new ReadingRows(), outcome: new Uint8Array() } as const)
  bySource.set(source, incoming)
  const { rows } = incoming
  const from = rows.length
  parser.parse(request.bytes, rows, tally)
  return { request, tally, incoming, from, to: rows.length, recordOf: (i) => rows.record[i]! }
}

function flowsOf(request: IntakeRequest): Share {
  const tally = new Tally()
  const rows = parseFlows(request.bytes, tally)
  const builder = new FlowBatchBuilder(Math.max(1, rows.length))
  for (const { flow } of rows) builder.add(flow)
  const batch = devices.assign(builder.finish())
  const incoming: Incoming = { kind: 'flows', source: request.source, batch, outcome: new Uint8Array() }
  return { request, tally, incoming, from: 0, to: rows.length, recordOf: (i) => rows[i]!.record }
}

function lengthOf(incoming: Incoming): number {
  return incoming.kind === 'readings' ? incoming.rows.length : incoming.batch.length
}

function resultOf({ tally, incoming, from, to, recordOf }: Share): IntakeResult {
  for (let i = from; i < to; i++) {
    const outcome = incoming.outcome[i]!
    if (outcome === NEW) tally.accepted++
    else if (outcome === OTHER) {
      tally.reject(
        recordOf(i),
        '',
        'is another reading of a device and time that are stored already; give times more digits',
      )
    } else if (outcome === SHAPELESS) {
      tally.reject(
        recordOf(i),
        '',
        `has new metrics, but there are ${MOST_SHAPES} combinations already; use fixed names`,
      )
    } else if (outcome === IN_HOUR) {
      tally.reject(
        recordOf(i),
        '',
        'is of an hour that is kept as a summary by now, and may be in it already; send readings before they are as old as keep.readings says',
      )
    } else tally.duplicates++
  }
  return tally.result()
}

function answer(message: IntakeAnswer): void {
  port.postMessage(message)
}

function told(error: unknown): NonNullable<IntakeAnswer['error']> {
  const { name, message } = error as Error
  if (error instanceof Busy) return { name, message, retryAfter: error.retryAfter }
  if (error instanceof StoreFull) return { name, message }
  return { name: 'Error', message }
}
