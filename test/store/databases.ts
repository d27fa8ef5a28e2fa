import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgresDatabase } from '../postgres.ts'

/** An empty database of one kind, for one test file. */
export interface TestDatabase {
  readonly url: string
  remove(): void
}

export async function sqliteForTest(): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-store-'))
  return {
    url: join(folder, 'motewatch.db'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export async function postgresForTest(name: string): Promise<TestDatabase | undefined> {
  const url = await postgresDatabase(name)
  return url === undefined ? undefined : { url, remove: () => {} }
}
