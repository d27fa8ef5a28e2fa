import { z } from 'zod'

/** What `motewatch serve` can be told; one YAML file, environment variables `MOTEWATCH_…` and options above it. */
export const Config = z.object({
  host: z
    .string()
    .default('127.0.0.1')
    .describe('address to listen on; another than loopback needs an account'),
  port: z.number().int().min(0).max(65_535).default(5000),
  database: z.string().default('data/motewatch.db').describe('SQLite file or postgres:// URL'),
  log: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('least level of the log'),
})

export type Config = z.infer<typeof Config>
