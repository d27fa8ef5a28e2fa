import type { FlowField } from './flow-writer.ts'
import type { LabelWords } from './labels.ts'

/** What a column of a dialect is. */
export interface DialectColumn {
  readonly field: FlowField
  /** Multiplies a number; a function tells it from sampled cells. */
  readonly factor?: number | ((sample: readonly string[]) => number)
  readonly word?: (text: string) => string
  readonly anyAddress?: boolean
  /** Corrects a time (seconds since the epoch) the data set is known to write wrongly; `note` says so. */
  readonly correct?: { readonly time: (seconds: number) => number; readonly note: string }
}

/** A known kind of table of flows, recognised by its column names. */
export interface Dialect {
  readonly name: string
  /** Columns that must be there (folded names, see {@link foldName}); of a nested list, one. */
  readonly recognise: readonly (string | readonly string[])[]
  /** Folded column name -> what it is. Other numeric columns become `extra`. */
  readonly columns: Readonly<Record<string, FlowField | DialectColumn>>
  /** Folded names of columns that number rows or repeat the label: neither mapped nor extra. */
  readonly skip?: readonly string[]
  /** Further texts that mean "no value". */
  readonly unset?: readonly string[]
  readonly labels?: LabelWords
  /** Where files of this kind come without a header: the names, and how to tell by a first row. */
  readonly headerless?: {
    readonly names: (width: number) => readonly string[]
    readonly accepts: (row: readonly string[]) => boolean
  }
  /** Words in place of a protocol that mark records which are no flows: they are rejected. */
  readonly noFlow?: readonly string[]
  /** The first cell of a row that ends the table (a summary follows). */
  readonly endsAt?: string
  /** Said in the report when this dialect is read. */
  readonly note?: string
}

/** A column name without case, spaces and punctuation: ' Flow Bytes/s' is `flow_bytes_s`. */
export function foldName(name: string): string {
  return name
    .trim()
    .replace(/^@/, '')
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '')
}
