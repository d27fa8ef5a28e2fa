/** Where readings are: some are on their way to the large table. */
export type ReadingTable = 'readings' | 'recent_readings'

/**
 * The rows of both tables. Recent ones are asked for first: what is moved in between is then there twice, to be told
 * apart, and not missing.
 *
 * @param part reads its rows from one of the tables
 */
export async function fromBoth<T extends { ts: number; shape_id: number; device_id?: number }>(
  part: (table: ReadingTable) => Promise<T[]>,
): Promise<T[]> {
  const recent = await part('recent_readings')
  const stored = await part('readings')
  if (recent.length === 0) return stored
  const key = ({ device_id, ts, shape_id }: T) => `${device_id} ${ts} ${shape_id}`
  const keys = new Set(recent.map(key))
  return [...stored.filter((row) => !keys.has(key(row))), ...recent]
}
