import { z } from 'zod'

/** How an uploaded file is read; recognised by its content when left out. */
export const Reading = z.object({
  adapter: z.string().max(40).optional().describe('name of an adapter, to overrule recognition'),
  map: z
    .record(z.string().max(100), z.string().max(256))
    .optional()
    .describe('standard field to column of the file'),
  local: z.array(z.string().max(50)).max(100).optional().describe('local networks in CIDR form'),
})
