import { realpathSync } from 'node:fs'
import { type FlowFormat, formatByExtension } from '../output/writers.ts'
import { UsageError } from './failure.ts'

/** Where a command's rows go and in which format. */
export interface Target<F> {
  /** A path, or '-' for standard output. */
  readonly path: string
  readonly format: F
}

/**
 * Decides the target from `--output` and `--format`: the format by name, else by the file's extension,
 * else `standard`.
 *
 * @throws UsageError when the output is one of the inputs or its extension stands for no format
 */
export function outputTarget<F extends FlowFormat>(
  options: { output?: string; format?: F },
  input: readonly string[],
  formats: readonly F[],
  standard: F,
): Target<F> {
  const path = options.output ?? '-'
  if (path === '-') return { path, format: options.format ?? standard }
  keepInput(path, input)
  const byName = formatByExtension(path)
  const format = options.format ?? formats.find((f) => f === byName)
  if (!format && /\.[^./\\]+$/.test(path) && !path.startsWith('/dev/')) {
    throw new UsageError(
      `--output ${path}: the extension stands for no format; use ${formats.join(', ')} or name one with --format`,
    )
  }
  return { path, format: format ?? standard }
}

/** @throws UsageError when `path` is one of the inputs, which would be replaced */
export function keepInput(path: string, inputs: readonly string[]): void {
  const real = (p: string) => {
    try {
      return realpathSync(p)
    } catch {
      return undefined
    }
  }
  const target = real(path)
  if (target && !target.startsWith('/dev/') && inputs.some((input) => real(input) === target)) {
    throw new UsageError(`${path} is an input and would be replaced; name another file`)
  }
}
