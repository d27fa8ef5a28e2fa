import { z } from 'zod'
import { InputError } from '../adapters/read-report.ts'
import type { StoredRange } from '../store/ranges.ts'
import type { Repositories } from '../store/store.ts'

const Instant = z.iso.datetime({ offset: true })

/** Which stored records: everything when left out. */
export const Stored = z.object({
  devices: z
    .array(z.union([z.int().min(1), z.string().min(1).max(256)]))
    .min(1)
    .max(10_000)
    .optional()
    .describe('numbers or names; all devices when left out'),
  from: Instant.optional().describe('RFC 3339, included'),
  last: z
    .string()
    .regex(/^[1-9]\d{0,4}[mhd]$/, 'expected minutes, hours or days as 90m, 24h or 30d')
    .optional()
    .describe('this long before the newest record, instead of `from`'),
  to: Instant.optional().describe('RFC 3339, excluded'),
  kinds: z
    .array(z.enum(['flows', 'readings']))
    .min(1)
    .max(2)
    .optional()
    .describe('which records; both when left out'),
})

export type Stored = z.infer<typeof Stored>

/** @throws InputError for a device that is not there, or a time that ends before it begins */
export async function rangeOf(
  stored: Stored,
  { devices: repository }: Pick<Repositories, 'devices'>,
): Promise<StoredRange> {
  let devices: { id: number; name: string; first_seen: number | null; last_seen: number | null }[]
  if (stored.devices) {
    devices = []
    for (const wanted of stored.devices) {
      const device = await repository.find(wanted)
      if (!device)
        throw new InputError(`there is no device ${JSON.stringify(wanted)}; GET /devices lists them`)
      devices.push(device)
    }
  } else {
    devices = await repository.all()
  }
  const seen = devices.flatMap(({ first_seen, last_seen }) =>
    first_seen === null || last_seen === null ? [] : [first_seen, last_seen],
  )
  const first = seen.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)
  const last = seen.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  const begin = stored.last === undefined ? secondsOf(stored.from) : last - durationOf(stored.last)
  const from = Math.max(first, begin ?? first)
  // The last record is part of it.
  const to = Math.min(last + 1, secondsOf(stored.to) ?? last + 1)
  if (secondsOf(stored.from)! >= secondsOf(stored.to)!) {
    throw new InputError(`from expects a time before to, got ${stored.from} and ${stored.to}`)
  }
  return { devices: new Map(devices.map(({ id, name }) => [id, name])), from, to }
}

/** Seconds in `90m`, `24h`, `30d`. */
function durationOf(text: string): number {
  const unit = { m: 60, h: 3600, d: 86_400 }[text.at(-1)!]!
  return Number(text.slice(0, -1)) * unit
}

function secondsOf(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time) / 1000
}
