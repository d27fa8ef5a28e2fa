import type { Adapter } from './adapter.ts'
import { csvAdapter } from './csv/adapter.ts'
import { jsonAdapter } from './json/adapter.ts'
import { nfdumpAdapter } from './nfdump/adapter.ts'
import { parquetAdapter } from './parquet/adapter.ts'
import { pcapAdapter } from './pcap/adapter.ts'
import { InputError } from './read-report.ts'
import { zeekAdapter } from './zeek/adapter.ts'

/** Every adapter in the order in which they are asked: formats with a magic first, any table last. */
export const adapters: readonly Adapter[] = [
  pcapAdapter,
  parquetAdapter,
  zeekAdapter,
  jsonAdapter,
  nfdumpAdapter,
  csvAdapter,
]

/**
 * The adapter of that name.
 *
 * @throws InputError with the names there are
 */
export function adapterNamed(name: string): Adapter {
  const adapter = adapters.find((a) => a.name === name.toLowerCase())
  if (adapter) return adapter
  throw new InputError(`unknown adapter "${name}"; there are ${adapters.map((a) => a.name).join(', ')}`)
}
