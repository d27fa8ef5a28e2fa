/** Deepest nesting of a record that is read. */
export const MAX_DEPTH = 32
/** Longest list whose entries become columns (`axes.0`, `axes.1`); longer ones are payload. */
const MAX_LIST = 16
/** Most columns a record may have. */
const MAX_KEYS = 4096

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The scalars of a record by their path, keys joined with a dot: `{"network":{"latency":25}}` has
 * `network.latency`.
 *
 * @returns undefined when the record is nested deeper than {@link MAX_DEPTH} or has more than 4096 scalars
 */
export function flatten(record: JsonObject): Map<string, unknown> | undefined {
  const flat = new Map<string, unknown>()
  return into(flat, record, '', 1) && flat.size <= MAX_KEYS ? flat : undefined
}

function into(flat: Map<string, unknown>, value: JsonObject, prefix: string, depth: number): boolean {
  if (depth > MAX_DEPTH) return false
  for (const key of Object.keys(value)) {
    const item = value[key]
    const path = prefix === '' ? key : `${prefix}.${key}`
    if (item === null || typeof item !== 'object') flat.set(path, item)
    else if (!Array.isArray(item)) {
      if (!into(flat, item as JsonObject, path, depth + 1)) return false
    } else if (item.length <= MAX_LIST) {
      item.forEach((entry, i) => {
        if (typeof entry === 'number') flat.set(`${path}.${i}`, entry)
      })
    }
    if (flat.size > MAX_KEYS) return false
  }
  return true
}
