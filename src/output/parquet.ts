import type { SchemaElement } from 'hyparquet'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import type { BatchWriter, Column, Rows } from './layout.ts'
import type { Sink } from './sink.ts'

/** Rows collected before they become a row group: small enough to hold, large enough to compress. */
const ROW_GROUP = 32_768

/** Writes rows as Parquet, snappy-compressed, row group by row group; unset cells are null. */
export function parquetWriter<B extends Rows>(columns: readonly Column<B>[], sink: Sink): BatchWriter<B> {
  const bytes = new ByteWriter()
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    ...columns.map(({ name, kind }): SchemaElement => {
      if (kind === 'text') {
        return { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' }
      }
      return { name, type: kind === 'integer' ? 'INT64' : 'DOUBLE', repetition_type: 'OPTIONAL' }
    }),
  ]
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy: 'motewatch' })
  let pending: (string | number | bigint | null)[][] = columns.map(() => [])

  async function flush(): Promise<void> {
    if (pending[0]!.length > 0) {
      await writer.write({
        columnData: columns.map(({ name }, j) => ({ name, data: pending[j]! })),
        rowGroupSize: ROW_GROUP,
      })
      pending = columns.map(() => [])
    }
    await drain()
  }

  /** Hands over what was encoded. `index` is the place in the writer's buffer, `offset` that in the file. */
  async function drain(): Promise<void> {
    await sink.write(new Uint8Array(bytes.buffer.slice(0, bytes.index)))
    bytes.index = 0
  }

  return {
    async write(batch) {
      for (let i = 0; i < batch.length; i++) {
        for (let j = 0; j < columns.length; j++) {
          const column = columns[j]!
          pending[j]!.push(cell(column.at(batch, i), column.kind))
        }
        if (pending[0]!.length === ROW_GROUP) await flush()
      }
    },
    async close() {
      await flush()
      await writer.finish()
      await drain()
      sink.close()
    },
    abort: () => sink.abort(),
  }
}

function cell(value: string | number, kind: Column<never>['kind']): string | number | bigint | null {
  if (typeof value === 'string') return value === '' ? null : value
  if (!Number.isFinite(value)) return null
  return kind === 'integer' ? BigInt(Math.round(value)) : value
}
