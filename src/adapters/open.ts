import { createReadStream, type Stats } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { Readable, type Transform } from 'node:stream'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { InputError } from './read-report.ts'
import type { Source } from './source.ts'

/** Bytes by which adapters recognise a source. */
export const HEAD_SIZE = 65_536
/** Reads of this size keep the disk busy without holding much memory. */
const CHUNK_SIZE = 1 << 20
/** How often a file may be compressed within itself (`capture.pcap.gz.zst`). */
const MAX_WRAPPINGS = 4

/** One thing to read: a file, or standard input. */
export interface Input {
  readonly name: string
  /** Absent for standard input. */
  readonly path?: string
  readonly size?: number
  /** Found in a folder, not named by the user: what is no data is then skipped instead of an error. */
  readonly found: boolean
}

/** A source opened as far as its first bytes. */
export interface OpenSource extends Source {
  readonly head: Uint8Array
  /** Called at most once when the compressed data ends early or is damaged after some bytes were good. */
  onDamage?: (message: string) => void
  /** Releases the file without reading on. */
  close(): Promise<void>
}

export type OnProgress = (bytesRead: number, bytesTotal: number | undefined, source: string) => void

/**
 * The files behind `inputs` in order: a folder gives its files recursively, sorted by name; '-' is
 * standard input.
 *
 * @throws InputError when a path does not exist or may not be read, or nothing is given
 */
export async function listInputs(inputs: readonly string[]): Promise<Input[]> {
  if (inputs.length === 0) throw new InputError('no input given; give files, folders or - for standard input')
  const listed: Input[] = []
  for (const path of inputs) {
    if (path === '-') {
      listed.push({ name: '<stdin>', found: false })
      continue
    }
    const about = await explained(path, () => stat(path))
    if (about.isDirectory()) {
      const before = listed.length
      await listFolder(path, listed)
      if (listed.length === before)
        throw new InputError(`${path} is a folder without files; give one with data files`)
    } else listed.push({ name: path, path, found: false, ...sizeOf(about) })
  }
  return listed
}

async function listFolder(folder: string, listed: Input[]): Promise<void> {
  const entries = await explained(folder, () => readdir(folder, { withFileTypes: true }))
  entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await listFolder(path, listed)
    else if (entry.isFile() || entry.isSymbolicLink()) {
      const about = await stat(path).catch(() => undefined)
      if (about?.isFile()) listed.push({ name: path, path, found: true, ...sizeOf(about) })
    }
  }
}

/** A pipe or device has no size. */
function sizeOf(about: Stats): { size?: number } {
  return about.isFile() ? { size: about.size } : {}
}

/** Runs a file operation; its failure becomes an error that says what to do. */
async function explained<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation()
  } catch (error) {
    throw explain(path, error as NodeJS.ErrnoException)
  }
}

function explain(path: string, error: NodeJS.ErrnoException): InputError {
  if (error.code === 'ENOENT') return new InputError(`${path} does not exist; check the path`)
  if (error.code === 'EACCES' || error.code === 'EPERM')
    return new InputError(`${path} may not be read by this user; change its permissions or run as its owner`)
  if (error.code === 'EISDIR') return new InputError(`${path} is a folder where a file is expected`)
  if (error.code === 'ENOTDIR')
    return new InputError(`${path} does not exist: a part of the path is a file; check the path`)
  return new InputError(`${path} cannot be read: ${error.message}`)
}

/**
 * Opens an input, unwraps gzip and zstd by their magic and reads its head.
 *
 * @throws InputError when it cannot be opened or its compression is damaged from the start
 */
export async function openInput(input: Input, onProgress?: OnProgress): Promise<OpenSource> {
  if (input.path) await explained(input.path, async () => (await open(input.path!)).close())
  const raw = input.path ? createReadStream(input.path, { highWaterMark: CHUNK_SIZE }) : process.stdin
  let read = 0
  async function* counted(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of raw as AsyncIterable<Buffer>) {
        read += chunk.length
        onProgress?.(read, input.size, input.name)
        yield chunk
      }
    } catch (error) {
      throw explain(input.name, error as NodeJS.ErrnoException)
    }
  }
  const source = await unwrapped(input, counted(), async () => {
    raw.destroy()
  })
  const progress = (bytes: number) => onProgress?.(bytes, input.size, input.name)
  return source.path === undefined ? source : Object.assign(source, { progress })
}

/** Bytes in memory as a source: an upload, a test. Compressed bytes are unwrapped. */
export async function openBytes(
  name: string,
  bytes: AsyncIterable<Uint8Array> | Uint8Array,
): Promise<OpenSource> {
  return unwrapped({ name, found: false }, bytes instanceof Uint8Array ? once(bytes) : bytes, async () => {})
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** Takes off the compression, layer by layer. */
async function unwrapped(
  input: Input,
  chunks: AsyncIterable<Uint8Array>,
  close: () => Promise<void>,
): Promise<OpenSource> {
  const damage: Damage = {}
  let stream = await peek(chunks)
  let wrappings = 0
  for (let unwrap = unwrapper(stream.head); unwrap; unwrap = unwrapper(stream.head)) {
    if (++wrappings > MAX_WRAPPINGS)
      throw new InputError(`${input.name} is compressed more than ${MAX_WRAPPINGS} times; unpack it first`)
    stream = await peek(decompressed(stream.all(), unwrap, input.name, damage))
  }
  return {
    name: input.name,
    ...(wrappings === 0 && input.path && input.size !== undefined
      ? { path: input.path, size: input.size }
      : {}),
    head: stream.head,
    bytes: () => stream.all(),
    close,
    set onDamage(report: (message: string) => void) {
      damage.report = report
      if (damage.message) report(damage.message)
    },
  }
}

/** What is known of damage to compressed data, and who wants to know. */
interface Damage {
  report?: (message: string) => void
  message?: string
}

interface Peeked {
  /** The first bytes, at most {@link HEAD_SIZE}. */
  readonly head: Uint8Array
  /** Everything from the beginning; call once. */
  all(): AsyncGenerator<Uint8Array>
}

async function peek(chunks: AsyncIterable<Uint8Array>): Promise<Peeked> {
  const iterator = chunks[Symbol.asyncIterator]()
  const first: Uint8Array[] = []
  let size = 0
  while (size < HEAD_SIZE) {
    const next = await iterator.next()
    if (next.done) break
    first.push(next.value)
    size += next.value.length
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield* first
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
    } finally {
      await iterator.return?.()
    }
  }
  const start = first.length === 1 ? first[0]! : Buffer.concat(first)
  return { head: start.subarray(0, HEAD_SIZE), all }
}

interface Unwrapper {
  readonly format: string
  create(): Transform
}

/** gzip (RFC 1952: 1f 8b) and zstd (RFC 8878: frame 28 b5 2f fd) by their magic. */
function unwrapper(head: Uint8Array): Unwrapper | undefined {
  if (head[0] === 0x1f && head[1] === 0x8b)
    return { format: 'gzip', create: () => createGunzip({ chunkSize: CHUNK_SIZE >> 2 }) }
  if (head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd)
    return { format: 'zstd', create: () => createZstdDecompress({ chunkSize: CHUNK_SIZE >> 2 }) }
  return undefined
}

/**
 * Decompressed chunks. Data that breaks off after some bytes were good ends there and is reported as
 * damage: what came before is worth reading.
 */
async function* decompressed(
  chunks: AsyncIterable<Uint8Array>,
  { format, create }: Unwrapper,
  name: string,
  damage: Damage,
): AsyncGenerator<Uint8Array> {
  const transform = create()
  const ready: Uint8Array[] = []
  let failure: Error | undefined
  let ended = false
  let wake = () => {}
  const settle = (error?: Error | null) => {
    failure ??= error ?? undefined
    ended = true
    wake()
  }
  transform.on('error', settle)
  transform.on('end', () => settle())
  // Listening, not iterating: what came before an error is then at hand, not thrown away with the stream.
  transform.on('data', (chunk: Buffer) => {
    ready.push(chunk)
    transform.pause()
    wake()
  })
  Readable.from(chunks, { objectMode: true }).on('error', settle).pipe(transform)
  let size = 0
  while (ready.length > 0 || !ended) {
    const chunk = ready.shift()
    if (chunk) {
      size += chunk.length
      yield chunk
    } else {
      const woken = new Promise<void>((resolve) => {
        wake = resolve
      })
      transform.resume()
      await woken
    }
  }
  if (!failure) return
  if (failure instanceof InputError) throw failure
  if (size === 0)
    throw new InputError(
      `${name} begins like ${format} but cannot be decompressed (${failure.message}); compress it again or give the original`,
    )
  damage.message = `the ${format} data is cut off or damaged after ${size} good bytes; what came before was read`
  damage.report?.(damage.message)
}

/** A short word for what a file is when no adapter takes it, for messages. */
export function looksLike(head: Uint8Array, name: string): string {
  if (head.length === 0) return 'an empty file'
  const text = new TextDecoder().decode(head.subarray(0, 512))
  if (/^\s*<(!doctype|html)/i.test(text)) return 'an HTML page'
  if (/^\s*<\?xml/.test(text)) return 'an XML document'
  const magics: readonly [string, string][] = [
    ['PK\u0003\u0004', 'an Excel workbook or a ZIP archive (save it as CSV, or unpack it)'],
    ['\u00D0\u00CF\u0011\u00E0', 'an Office document of the old kind (save it as CSV)'],
    ['%PDF', 'a PDF document'],
    ['BZh', 'bzip2 data'],
    ['\u00FD7zXZ', 'xz data'],
    ['7z\u00BC\u00AF', 'a 7-Zip archive'],
    ['\u0089PNG', 'a PNG image'],
    ['\u00FF\u00D8\u00FF', 'a JPEG image'],
    ['GIF8', 'a GIF image'],
    ['SQLite ', 'an SQLite database (export the table as CSV)'],
    ['\u000C\u00A5', 'a file of nfcapd (print it with nfdump -o csv)'],
    ['\u0083\u0010', 'a file of Argus (print it with ra -n -c ,)'],
    ['\u007FELF', 'a program'],
  ]
  const start = Buffer.from(head.subarray(0, 8)).toString('latin1')
  for (const [magic, words] of magics) if (start.startsWith(magic)) return words
  if (Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar') return 'a tar archive (unpack it)'
  if (head.subarray(0, 4096).includes(0)) return 'binary data'
  const extension = extname(name)
  return `text${extension ? ` named ${extension}` : ''} beginning with ${JSON.stringify(text.slice(0, 40))}`
}
