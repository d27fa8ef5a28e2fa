import { z } from 'zod'
import { MODEL_CHOICES } from '../../pipeline/options.ts'

/** How detection judges. */
export const Judging = z.object({
  threshold: z.number().min(0).max(1).optional().describe('confidence from which a record is an anomaly'),
  model: z.enum(MODEL_CHOICES).optional(),
  store: z.boolean().default(true).describe('whether what is found is kept'),
})
