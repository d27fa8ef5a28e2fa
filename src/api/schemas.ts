import { z } from 'zod'
import { parseTime } from '../live/intake/time.ts'

export { timeOf } from '../output/time.ts'

/** Schemas that several routes share. Names of fields are those of the domain; `_id` fields are numbers. */

/** A number in a path or query, where everything is text. */
export function numberIn<S extends z.ZodNumber>(schema: S) {
  return z.preprocess((v) => (typeof v === 'string' && /^[-+.\deE]+$/.test(v) ? Number(v) : v), schema)
}

/** `true` or `false` in a query. */
export const BooleanIn = z.preprocess(
  (v) => (v === 'true' || v === '1' ? true : v === 'false' || v === '0' ? false : v),
  z.boolean(),
)

/** A list in a query: the parameter once or several times. */
export function listIn<S extends z.ZodType>(item: S) {
  return z.preprocess((v) => (v === undefined || Array.isArray(v) ? v : [v]), z.array(item).max(100))
}

export const Id = numberIn(z.int().min(1)).meta({ description: 'number', examples: [1] })

/** A device in a path or query: its number or its name. */
export const DeviceIn = z
  .string()
  .min(1)
  .max(256)
  .meta({ description: 'the device: its number or its name', examples: ['1'] })

/** A time in a query, as seconds since the epoch. */
export const TimeIn = z
  .string()
  .transform((text, ctx) => {
    const seconds = parseTime(text)
    if (Number.isFinite(seconds)) return seconds
    ctx.addIssue(`expected a time such as 2025-03-06T22:29:26Z, got ${JSON.stringify(text.slice(0, 40))}`)
    return z.NEVER
  })
  .meta({ format: 'date-time', description: 'RFC 3339', examples: ['2025-03-06T00:00:00Z'] })

/** A time in an answer. */
export const Time = z.string().meta({ format: 'date-time', examples: ['2025-03-06T22:29:26.000Z'] })

/** Where a list goes on. */
export const Page = {
  cursor: z.string().max(200).optional().meta({ description: '`next` of the page before' }),
  limit: numberIn(z.int().min(1).max(1000))
    .default(50)
    .meta({ description: 'items a page', examples: [50] }),
}

/** A page of `items`; `next` is the cursor of the page after, null on the last. */
export function pageOf<S extends z.ZodType>(items: S) {
  return z.object({ items: z.array(items), next: z.string().nullable() })
}
