import { readFileSync } from 'node:fs'
import { UsageError } from './failure.ts'

/**
 * Reads the column mapping of `--map`: standard field -> column of the source.
 *
 * @throws UsageError saying what is wrong and where
 */
export async function readColumnMap(path: string): Promise<Readonly<Record<string, string>>> {
  const [{ parse }, z] = await Promise.all([import('yaml'), import('zod')])
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`${path}: cannot be read: ${(error as Error).message}`)
  }
  let value: unknown
  try {
    value = parse(text)
  } catch (error) {
    throw new UsageError(`${path} is not YAML: ${(error as Error).message.split('\n')[0]}`)
  }
  // A column may be called by a number (`orig_h: 4` is the column named "4").
  const name = z.union([z.string().min(1), z.number().transform(String)])
  const result = z.record(z.string(), name).safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  const place = issue.path.length > 0 ? `${path}: ${issue.path.join('.')}` : path
  throw new UsageError(
    `${place} expects lines like "orig_h: source address" (standard field: column), got ${JSON.stringify(
      issue.path.reduce<unknown>((v, key) => (v as Record<PropertyKey, unknown>)?.[key], value) ?? null,
    )}`,
  )
}
