import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

/** Where the bytes of an output go. */
export interface Sink {
  write(chunk: Uint8Array): void | Promise<void>
  /** Makes the output visible under its name. */
  close(): void
  /** Leaves nothing behind. */
  abort(): void
}

/** Output that cannot be written; the message says place, reason and remedy. */
export class OutputError extends Error {
  override readonly name = 'OutputError'
}

const open = new Set<Sink>()

/** Removes the unfinished files of all open outputs: for Ctrl-C. */
export function abortOutputs(): void {
  for (const sink of open) sink.abort()
}

/** Whether a file output is still being written. */
export function outputsOpen(): boolean {
  return open.size > 0
}

/**
 * Opens an output: '-' is standard output, anything else a file.
 *
 * A file appears under its name only when it is complete: bytes go to a temporary file beside it
 * that {@link Sink.close} renames. A device or pipe (`/dev/null`, a FIFO) is written directly.
 *
 * @throws OutputError when the place cannot be written
 */
export function openSink(path: string): Sink {
  return path === '-' ? standardOutput() : file(path)
}

/** Writes a whole output at once, with the same guarantee. */
export function writeOutput(path: string, content: string): void {
  const sink = file(path)
  try {
    sink.write(new TextEncoder().encode(content))
    sink.close()
  } catch (error) {
    sink.abort()
    throw error
  }
}

let lastBreath = 0

/**
 * Lets signals and the progress bar have their turn now and then: a run that only computes and writes would
 * otherwise not hear Ctrl-C before its end.
 */
function breath(): Promise<void> | undefined {
  const now = performance.now()
  if (now - lastBreath < 50) return undefined
  lastBreath = now
  return new Promise((resolve) => setImmediate(resolve))
}

function standardOutput(): Sink {
  return {
    write(chunk) {
      if (process.stdout.destroyed || process.stdout.write(chunk)) return
      return new Promise((resolve) => {
        const done = () => {
          process.stdout.off('drain', done)
          process.stdout.off('close', done)
          resolve()
        }
        process.stdout.on('drain', done)
        process.stdout.on('close', done)
      })
    },
    close() {},
    abort() {},
  }
}

function file(path: string): Sink {
  const target = guard(path, () => place(path))
  const temporary = target.direct
    ? target.path
    : join(dirname(target.path), `.${basename(target.path)}.${process.pid}.part`)
  let fd: number | undefined = guard(path, () => openSync(temporary, 'w'))
  const finish = () => {
    if (fd !== undefined) closeSync(fd)
    fd = undefined
    open.delete(sink)
  }
  const sink: Sink = {
    write(chunk) {
      guard(path, () => {
        for (let at = 0; at < chunk.length; ) at += writeSync(fd!, chunk, at)
      })
      return breath()
    },
    close() {
      finish()
      if (!target.direct) guard(path, () => renameSync(temporary, target.path))
    },
    abort() {
      if (fd === undefined) return
      finish()
      if (!target.direct) rmSync(temporary, { force: true })
    },
  }
  open.add(sink)
  return sink
}

/** The file behind `path` (links followed, folders made) and whether it is written directly. */
function place(path: string): { path: string; direct: boolean } {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory()) throw new Error('it is a folder; name a file in it')
  if (found) return { path: realpathSync(path), direct: !found.isFile() }
  makeFolder(dirname(path))
  return { path, direct: false }
}

/** Makes a folder and those above it, one by one: the recursive call never returns below /proc (Node 24). */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  mkdirSync(path)
}

const REASONS: Record<string, string> = {
  EACCES: 'permission denied',
  ENOENT: 'no file can be made there',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the device',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'a part of the path is a file, not a folder',
}

function guard<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new OutputError(`${path}: cannot be written: ${REASONS[code ?? ''] ?? message}`)
  }
}
