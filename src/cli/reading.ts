import { readColumnMap } from './column-map.ts'
import { UsageError } from './failure.ts'
import { given } from './given.ts'
import { finishPipeWhenInterrupted } from './interrupt.ts'
import type { InputOptions } from './options.ts'

/**
 * What to read and how: the options checked and loaded.
 *
 * @throws UsageError
 */
export async function readOptions(options: InputOptions): Promise<{
  input: readonly string[]
  reading: { adapter?: string; map?: Readonly<Record<string, string>> }
}> {
  const { input, adapter } = options
  if (!input) throw new UsageError('an input is needed: --input FILE, a folder, or - for standard input')
  if (input.filter((path) => path === '-').length > 1) {
    throw new UsageError('standard input ("-") can be read once only')
  }
  if (input.includes('-')) finishPipeWhenInterrupted()
  if (adapter !== undefined) {
    const { adapterNamed } = await import('../adapters/registry.ts')
    try {
      adapterNamed(adapter)
    } catch (error) {
      throw new UsageError((error as Error).message)
    }
  }
  const map = options.map === undefined ? undefined : await readColumnMap(options.map)
  return { input, reading: given({ adapter, map }) }
}
