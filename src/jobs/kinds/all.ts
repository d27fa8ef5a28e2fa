import type { JobKind } from '../kind.ts'
import { backup } from './backup.ts'
import { detect } from './detect.ts'
import { detectFile } from './detect-file.ts'
import { firstStart } from './first-start.ts'
import { learn } from './learn.ts'
import { retention } from './retention.ts'
import { train } from './train.ts'

/** Every kind of job. */
export const JOB_KINDS = {
  train,
  learn,
  detect,
  'detect-file': detectFile,
  retention,
  backup,
  'first-start': firstStart,
}

export type JobKinds = typeof JOB_KINDS
export type JobName = keyof JobKinds

/** @throws Error for a kind that this version does not have */
export function kindNamed(name: string): JobKind {
  const kinds: Readonly<Record<string, JobKind>> = JOB_KINDS
  if (!Object.hasOwn(kinds, name)) {
    throw new Error(
      `there is no job of kind ${JSON.stringify(name)}; kinds are ${Object.keys(kinds).join(', ')}`,
    )
  }
  return kinds[name]!
}
