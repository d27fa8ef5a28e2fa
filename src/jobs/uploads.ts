import { createHash, randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'

/** Seconds after which a file that no job knows of is a remainder. */
const REMAINDER = 3600

/** A file that was sent: where it is in the folder of uploads, and what its sender calls it. */
export const Upload = z.object({
  file: z.uuid().describe('where the service keeps it'),
  name: z.string().max(255).describe('as its sender called it'),
})

export type Upload = z.infer<typeof Upload>

/** The folder of files that were sent. The service chooses their names; a caller's name is only ever shown. */
export class Uploads {
  readonly #folder: string
  /** File with the name of the folder that they share. */
  readonly #label: string
  #place: Promise<string> | undefined

  /** @param folder where the service keeps its files */
  constructor(folder: string) {
    this.#folder = join(folder, 'uploads')
    this.#label = join(folder, 'place')
  }

  /** The name of this folder for all who share the database: whoever can open it finds the same one. */
  place(): Promise<string> {
    this.#place ??= this.#named()
    return this.#place
  }

  async #named(): Promise<string> {
    await mkdir(this.#folder, { recursive: true })
    // Written elsewhere and then named: it is there as a whole or not at all, and the first one stays.
    const own = `${this.#label}.${randomUUID()}`
    try {
      await writeFile(own, randomUUID(), { mode: 0o600, flush: true })
      await link(own, this.#label).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      })
      return await readFile(this.#label, 'utf8')
    } finally {
      await rm(own, { force: true })
    }
  }

  path({ file }: Upload): string {
    return join(this.#folder, file)
  }

  /**
   * Writes a stream to a file of its own; it is on disk when this returns, and gone when it throws.
   *
   * @returns with the number of bytes and their SHA-256 in hexadecimal
   */
  async receive(
    stream: AsyncIterable<Uint8Array>,
    name: string,
  ): Promise<{ upload: Upload; size: number; sha256: string }> {
    await mkdir(this.#folder, { recursive: true })
    const upload = { file: randomUUID(), name: shownName(name) }
    const file = await open(this.path(upload), 'wx', 0o600)
    try {
      let size = 0
      const hash = createHash('sha256')
      for await (const chunk of stream) {
        hash.update(chunk)
        await file.writeFile(chunk)
        size += chunk.length
      }
      await file.sync()
      return { upload, size, sha256: hash.digest('hex') }
    } catch (error) {
      await this.remove(upload)
      throw error
    } finally {
      await file.close()
    }
  }

  async remove(upload: Upload): Promise<void> {
    await rm(this.path(upload), { force: true })
  }

  /** Removes files that no job in `known` has and nobody writes to: what a killed process has left. */
  async sweep(known: readonly Upload[]): Promise<void> {
    const files = await readdir(this.#folder).catch(() => [])
    const kept = new Set(known.map(({ file }) => file))
    for (const file of files) {
      if (kept.has(file)) continue
      const path = join(this.#folder, file)
      const about = await stat(path).catch(() => undefined)
      if (about && about.mtimeMs / 1000 < Date.now() / 1000 - REMAINDER) await rm(path, { force: true })
    }
  }
}

/** The last part of a name, without anything that could disturb a terminal or a log. */
function shownName(name: string): string {
  const last = basename(name.replaceAll('\\', '/')).replace(/\p{C}/gu, '').slice(0, 255)
  return last || 'upload'
}
