import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Path of a file of the shared data sets (MOTEWATCH_DATA or ../shared/data), or undefined where they are absent. */
export function sharedData(name: string): string | undefined {
  const root = process.env.MOTEWATCH_DATA ?? join(import.meta.dirname, '..', '..', 'shared', 'data')
  const path = join(root, name)
  return existsSync(path) ? path : undefined
}
