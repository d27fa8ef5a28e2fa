import { z } from 'zod'

/** For how many days something is kept. */
function days(what: string) {
  return z.number().min(0.01).max(100_000).optional().describe(`days for which ${what}`)
}

/**
 * What `motewatch serve` can be told; one YAML file, environment variables `MOTEWATCH_…` and options above it. Every
 * setting describes itself; `.meta({ secret: true })` keeps its value from being shown.
 */
export const Config = z.strictObject({
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('address to listen on; another than loopback needs an account'),
  port: z.number().int().min(0).max(65_535).default(5000).describe('TCP port; 0 = any that is free'),
  database: z
    .string()
    .min(1)
    .default('data/motewatch.db')
    .describe('SQLite file or postgres://user:password@host/name'),
  data: z.string().min(1).default('data').describe('folder for uploads until they are read'),
  models: z
    .string()
    .min(1)
    .default('models')
    .describe(
      'folder whose models are taken into an empty database; without any, they are trained on the sample',
    ),
  sample: z
    .boolean()
    .default(true)
    .describe('whether an empty database gets the devices of the bundled sample'),
  local: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .default([])
    .describe('networks whose addresses are devices, as 192.168.0.0/16; none = the private ranges'),
  log: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('least level of the log'),
  access: z
    .strictObject({
      adminPasswordFile: z
        .string()
        .optional()
        .describe('file with the password of the user admin, who is made when there are no users'),
      sessionHours: z
        .number()
        .min(0.01)
        .max(8760)
        .default(168)
        .describe('hours that a login in a browser lasts'),
      requestsPerMinute: z
        .number()
        .min(1)
        .default(60_000)
        .describe('requests of one user or token; those of this machine without an account are not limited'),
      loginsPerMinute: z
        .number()
        .min(1)
        .default(10)
        .describe('attempts to log in from one address or for one name'),
      origins: z
        .array(z.url({ protocol: /^https?$/ }))
        .default([])
        .describe('other web sites whose pages may use the API with a token, as https://example.org'),
      trustProxy: z
        .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]))
        .default([])
        .describe('reverse proxies whose X-Forwarded headers are believed'),
    })
    .prefault({}),
  keep: z
    .strictObject({
      readings: days('readings are kept as they came; older ones are kept by the hour'),
      hours: days('readings are kept by the hour'),
      flows: days('flows are kept'),
      anomalies: days('anomalies and incidents are kept'),
      history: z
        .number()
        .min(0.01)
        .max(100_000)
        .default(90)
        .describe('days for which events, alert deliveries, finished jobs and the audit log are kept'),
      size: z
        .number()
        .int()
        .min(1_000_000)
        .optional()
        .describe('bytes of the database beyond which the oldest records go'),
    })
    .prefault({})
    .describe('what the job `retention` leaves; what is left out is kept for ever'),
  alerts: z
    .strictObject({
      local: z
        .boolean()
        .default(false)
        .describe('whether alerts may go to this machine itself, as to a mail server on it'),
    })
    .prefault({}),
})

export type Config = z.infer<typeof Config>
