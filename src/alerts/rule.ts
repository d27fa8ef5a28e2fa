import { z } from 'zod'

const Port = z.int().min(1).max(65_535)
const Host = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9._:-]+$/, 'expected a host name or an address')
const Address = z.email().max(254)

/** Which incidents a rule is about; a field left out asks nothing. */
export const Match = z.strictObject({
  devices: z
    .array(z.string().min(1).max(256))
    .min(1)
    .max(1000)
    .optional()
    .describe('any of these devices takes part; names'),
  types: z.array(z.string().min(1).max(40)).min(1).max(50).optional().describe('as port scan, spike'),
  confidence: z.number().min(0).max(1).optional().describe('least confidence of the incident'),
  origins: z
    .array(z.enum(['live', 'job', 'cli']))
    .min(1)
    .default(['live'])
    .describe('live: data as it comes; job: files and stored data; cli: motewatch detect --save-to-db'),
})

/** When a rule keeps quiet. What it does not tell is kept and counted in its next alert. */
export const Limits = z.strictObject({
  pause: z.number().min(0).max(604_800).default(0).describe('least seconds between two alerts'),
  quiet: z
    .strictObject({
      from: z
        .string()
        .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day as 22:00')
        .meta({ examples: ['22:00'] }),
      to: z
        .string()
        .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time of day as 07:00')
        .meta({ examples: ['07:00'] }),
      zone: z.string().max(60).refine(isZone, 'expected a time zone as Europe/Berlin').default('UTC'),
      except: z.number().min(0).max(1).optional().describe('confidence from which it tells all the same'),
    })
    .optional()
    .describe('hours without alerts'),
})

export const Webhook = z.strictObject({
  kind: z.literal('webhook'),
  url: z.url({ protocol: /^https?$/ }).max(2000),
  secret: z.string().min(16).max(200).optional().describe('key of the signature; made when left out'),
})

export const Email = z
  .strictObject({
    kind: z.literal('email'),
    host: Host.describe('SMTP server'),
    port: Port.default(587),
    security: z
      .enum(['starttls', 'tls', 'none'])
      .default('starttls')
      .describe('starttls: as on port 587; tls: from the beginning, as on port 465'),
    user: z.string().max(254).optional(),
    password: z.string().max(1000).optional(),
    from: Address,
    to: z.array(Address).min(1).max(50),
  })
  .refine(({ security, password }) => security !== 'none' || password === undefined, {
    path: ['security'],
    message: 'expected starttls or tls where there is a password: none would send it in the clear',
  })

export const Syslog = z.strictObject({
  kind: z.literal('syslog'),
  host: Host,
  port: Port.default(514),
  transport: z.enum(['udp', 'tcp']).default('udp'),
  facility: z.int().min(0).max(23).default(16).describe('as in RFC 5424; 16 = local0'),
})

export const Target = z.discriminatedUnion('kind', [Webhook, Email, Syslog])

export const RuleIn = z.strictObject({
  name: z.string().min(1).max(100),
  enabled: z.boolean().default(true),
  match: Match.prefault({}),
  limits: Limits.prefault({}),
  target: Target,
})

export type Match = z.output<typeof Match>
export type Limits = z.output<typeof Limits>
export type Target = z.output<typeof Target>

/** A rule as it is kept. */
export interface Rule {
  readonly id: number
  readonly name: string
  readonly enabled: boolean
  readonly match: Match
  readonly limits: Limits
  readonly target: Target
  readonly created_by: string
  readonly created: number
}

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}
