import { z } from 'zod'
import { atLeast, type Caller } from '../../access/caller.ts'
import { Email, Limits, Match, type Rule, RuleIn, Syslog } from '../../alerts/rule.ts'
import type { Delivery } from '../../store/alerts.ts'
import type { Routes } from '../app.ts'
import { notFound, Problem, wrongField } from '../problem.ts'
import { Id, Page, pageOf, Time, timeOf } from '../schemas.ts'

const EXAMPLE = {
  name: 'attacks to the phone',
  match: { types: ['exfiltration', 'brute force'], confidence: 0.9 },
  limits: { pause: 300, quiet: { from: '22:00', to: '07:00', zone: 'Europe/Berlin', except: 0.99 } },
  target: { kind: 'webhook', url: 'https://example.org/hooks/motewatch' },
}

const TargetOut = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('webhook'),
    url: z.string().describe('a viewer sees its host only'),
    has_secret: z.boolean(),
  }),
  z.object({
    ...Email.shape,
    password: z.undefined().optional(),
    // Checked when they came in; patterns of addresses are read differently by different tools.
    from: z.string(),
    to: z.array(z.string()),
    has_password: z.boolean(),
  }),
  Syslog,
])

const RuleOut = z
  .object({
    id: z.int(),
    name: z.string(),
    enabled: z.boolean(),
    match: Match,
    limits: Limits,
    target: TargetOut,
    created_by: z.string(),
    created: Time,
  })
  .meta({
    id: 'AlertRule',
    examples: [
      {
        ...EXAMPLE,
        id: 1,
        enabled: true,
        match: { ...EXAMPLE.match, origins: ['live'] },
        target: { ...EXAMPLE.target, has_secret: true },
        created_by: 'ada',
        created: '2025-03-06T22:29:26.000Z',
      },
    ],
  })

const DeliveryOut = z
  .object({
    id: z.int(),
    incident_id: z.int().nullable(),
    state: z
      .enum(['pending', 'delivered', 'failed', 'quiet'])
      .describe('quiet: kept back by the limits of the rule'),
    attempts: z.int(),
    next_at: Time.nullable().describe('when it is tried again'),
    last_error: z.string().nullable(),
    message: z.record(z.string(), z.unknown()),
    created: Time,
    delivered: Time.nullable(),
  })
  .meta({ id: 'AlertDelivery' })

const READ = { access: { role: 'viewer', scope: 'alerts:read' } } as const
const WRITE = { access: { role: 'operator', scope: 'alerts:write' } } as const
const Params = z.object({ id: Id })
const Change = z
  .strictObject({
    name: RuleIn.shape.name,
    enabled: z.boolean(),
    match: Match,
    limits: Limits,
    target: RuleIn.shape.target,
  })
  .partial()
  .meta({ examples: [{ enabled: false }] })

export const alertRoutes: Routes = (app, { alerts }) => {
  app.get(
    '/alerts',
    {
      config: READ,
      schema: {
        tags: ['alerts'],
        summary: 'Rules for alerts',
        response: { 200: z.object({ items: z.array(RuleOut) }) },
      },
    },
    async ({ caller }) => ({ items: (await alerts.rules()).map((rule) => ruleOut(rule, caller)) }),
  )

  app.post(
    '/alerts',
    {
      config: { ...WRITE, problems: [409] },
      schema: {
        tags: ['alerts'],
        summary: 'A new rule; the key of a webhook’s signature is shown this once',
        body: RuleIn.meta({ examples: [EXAMPLE] }),
        response: {
          201: RuleOut.extend({ secret: z.string().nullable() }).meta({ id: 'NewAlertRule' }),
        },
      },
    },
    async ({ body, caller }, reply) => {
      const rule = await alerts.add(body, caller.name)
      if (!rule) throw taken(body.name)
      const secret = rule.target.kind === 'webhook' ? (rule.target.secret ?? null) : null
      return reply.code(201).send({ ...ruleOut(rule, caller), secret })
    },
  )

  app.get(
    '/alerts/:id',
    {
      config: READ,
      schema: { tags: ['alerts'], summary: 'One rule', params: Params, response: { 200: RuleOut } },
    },
    async ({ params: { id }, caller }) => ruleOut((await alerts.rule(id)) ?? unknown(id), caller),
  )

  app.patch(
    '/alerts/:id',
    {
      config: { ...WRITE, problems: [409] },
      schema: {
        tags: ['alerts'],
        summary: 'Change a rule; a secret left out stays while the receiver is the same',
        params: Params,
        body: Change,
        response: { 200: RuleOut },
      },
    },
    async ({ params: { id }, body, caller }) => {
      const same = (await alerts.rules()).find((rule) => rule.name === body.name && rule.id !== id)
      if (same) throw taken(same.name)
      return ruleOut((await alerts.change(id, body)) ?? unknown(id), caller)
    },
  )

  app.delete(
    '/alerts/:id',
    {
      config: WRITE,
      schema: {
        tags: ['alerts'],
        summary: 'Remove a rule with its deliveries',
        params: Params,
        response: { 204: z.void() },
      },
    },
    async ({ params: { id } }, reply) => {
      if (!(await alerts.remove(id))) unknown(id)
      return reply.code(204).send()
    },
  )

  app.post(
    '/alerts/:id/test',
    {
      config: WRITE,
      schema: {
        tags: ['alerts'],
        summary: 'Send a test now, and say whether it arrived',
        params: Params,
        response: {
          200: z
            .object({ delivered: z.boolean(), error: z.string().nullable() })
            .meta({ id: 'AlertTest', examples: [{ delivered: false, error: 'connect ECONNREFUSED' }] }),
        },
      },
    },
    async ({ params: { id } }) => {
      const rule = (await alerts.rule(id)) ?? unknown(id)
      return alerts.test(rule).then(
        () => ({ delivered: true, error: null }),
        (error: Error) => ({ delivered: false, error: error.message }),
      )
    },
  )

  app.get(
    '/alerts/:id/deliveries',
    {
      config: READ,
      schema: {
        tags: ['alerts'],
        summary: 'Alerts of a rule and what became of them, newest first',
        params: Params,
        querystring: z.object(Page),
        response: { 200: pageOf(DeliveryOut) },
      },
    },
    async ({ params: { id }, query: { cursor, limit } }) => {
      const before = cursor === undefined ? undefined : Number(cursor)
      if (before !== undefined && !Number.isSafeInteger(before)) {
        throw wrongField('query.cursor', 'is none that was given out')
      }
      if (!(await alerts.rule(id))) unknown(id)
      const found = await alerts.deliveries(id, limit + 1, before)
      const items = found.slice(0, limit)
      return { items: items.map(deliveryOut), next: found.length > limit ? String(items.at(-1)!.id) : null }
    },
  )
}

function ruleOut({ target, created, ...rule }: Rule, caller: Caller): z.input<typeof RuleOut> {
  return { ...rule, target: targetOut(target, atLeast(caller.role, 'operator')), created: timeOf(created) }
}

/** Without secrets; the path of a webhook often is one. */
function targetOut(target: Rule['target'], all: boolean): z.input<typeof TargetOut> {
  if (target.kind === 'webhook') {
    const url = new URL(target.url)
    url.password = ''
    return {
      kind: 'webhook',
      url: all ? url.href : `${url.origin}/…`,
      has_secret: target.secret !== undefined,
    }
  }
  if (target.kind === 'syslog') return target
  const { password, ...rest } = target
  return { ...rest, has_password: password !== undefined }
}

function deliveryOut({ body_json, ...row }: Delivery): z.input<typeof DeliveryOut> {
  return {
    ...row,
    message: JSON.parse(body_json),
    next_at: timeOf(row.next_at),
    created: timeOf(row.created),
    delivered: timeOf(row.delivered),
  }
}

function taken(name: string): Problem {
  return new Problem(409, 'Conflict', `there is a rule named ${JSON.stringify(name)} already`)
}

function unknown(id: number): never {
  throw notFound(`there is no rule ${id}`)
}
