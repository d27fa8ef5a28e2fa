import type { Adapter } from './adapter.ts'
import { looksLike, type OpenSource } from './open.ts'
import { InputError } from './read-report.ts'
import { adapterNamed, adapters } from './registry.ts'

/**
 * The adapter for a source, by its content; `wanted` (from `--adapter`) overrides.
 *
 * @param brief leaves the list of adapters out of the error: one of many files of a folder
 *
 * @throws InputError when nothing can read it: says what was seen and what is accepted
 */
export function detectFormat(source: OpenSource, wanted?: string, brief = false): Adapter {
  if (isBlank(source.head)) throw new InputError(`${source.name} is empty; expects data`)
  if (wanted) return adapterNamed(wanted)
  const adapter = adapters.find((a) => a.accepts(source.head))
  if (adapter) return adapter
  const seen = `${source.name} looks like ${looksLike(source.head, source.name)}, which no adapter reads`
  const accepted = adapters.map((a) => a.name).join(', ')
  throw new InputError(
    brief ? seen : `${seen}; there are ${accepted}: name one with --adapter if this is one`,
  )
}

/** Nothing, white space, a byte order mark, or a list or object of nothing. */
function isBlank(head: Uint8Array): boolean {
  return head.length < 1024 && /^\s*(\[\s*\]|\{\s*\}|null)?\s*$/.test(new TextDecoder().decode(head))
}
