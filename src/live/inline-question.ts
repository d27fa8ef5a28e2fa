import type { EngineOptions } from '../pipeline/engine.ts'
import { MODEL_CHOICES, type ModelChoice } from '../pipeline/options.ts'
import type { Batch } from '../schema/reading-batch.ts'
import { flowList, ReadingLists, type SentRecords, type WrongRecord } from './inline-records.ts'
import { endOfValue, pastBlanks, valueAt } from './json-bytes.ts'

/** Records to be judged, with how that was asked for. */
export interface InlineQuestion {
  readonly batch: Batch
  readonly asked: Pick<EngineOptions, 'threshold' | 'model'>
  /** The records as intake takes them, where they are to be stored. */
  readonly toStore: Uint8Array<ArrayBuffer> | undefined
}

/** Records of a question that cannot be judged. */
export interface WrongRecords {
  readonly kind: Batch['kind']
  readonly wrong: readonly WrongRecord[]
}

const LISTS = ['readings', 'flows'] as const
const OPTIONS = ['threshold', 'model', 'store']
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf]

/** Reads questions with records from the bytes of their JSON. */
export class QuestionReader {
  readonly #readings = new ReadingLists()

  /** Undefined for what is no such question, or has anything else wrong with it: a schema tells what. */
  read(bytes: Uint8Array): InlineQuestion | WrongRecords | undefined {
    let sent: (SentRecords & { readonly kind: Batch['kind'] }) | undefined
    const options: Record<string, unknown> = {}
    let at = BYTE_ORDER_MARK.every((c, i) => bytes[i] === c) ? BYTE_ORDER_MARK.length : 0
    at = pastBlanks(bytes, at)
    if (bytes[at] !== 123) return undefined
    do {
      at = pastBlanks(bytes, at + 1)
      const afterKey = endOfValue(bytes, at)
      const key = afterKey < 0 ? undefined : valueAt(bytes, at, afterKey)
      at = pastBlanks(bytes, afterKey)
      if (typeof key !== 'string' || bytes[at] !== 58) return undefined
      at = pastBlanks(bytes, at + 1)
      const kind = LISTS.find((name) => name === key)
      if (kind) {
        const list = kind === 'readings' ? this.#readings.read(bytes, at) : flowList(bytes, at)
        if (!list || sent) return undefined
        sent = { ...list, kind }
        at = list.end
      } else {
        const end = endOfValue(bytes, at)
        if (end < 0 || !OPTIONS.includes(key) || key in options) return undefined
        options[key] = valueAt(bytes, at, end)
        at = end
      }
      at = pastBlanks(bytes, at)
    } while (bytes[at] === 44)
    if (bytes[at] !== 125 || pastBlanks(bytes, at + 1) !== bytes.length) return undefined
    if (!sent || !isSound(options)) return undefined
    const { kind, wrong, batch } = sent
    if (wrong.length > 0) return { kind, wrong }
    const { store = true, ...asked } = options
    return { batch, asked, toStore: store ? sent.records() : undefined }
  }
}

/** Whether options are as the schema of the API has them; those left out are not there. */
function isSound(
  options: Record<string, unknown>,
): options is { threshold?: number; model?: ModelChoice; store?: boolean } {
  const { threshold = 0, model = 'all', store = true } = options
  return (
    typeof threshold === 'number' &&
    threshold >= 0 &&
    threshold <= 1 &&
    MODEL_CHOICES.some((choice) => choice === model) &&
    typeof store === 'boolean' &&
    Object.values(options).every((value) => value !== undefined)
  )
}
