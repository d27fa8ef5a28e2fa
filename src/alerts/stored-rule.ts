import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import type { StoredRule } from '../store/alerts.ts'
import type { Rule, RuleIn, Target } from './rule.ts'

/** A rule as it is kept. */
export function columns({ name, enabled, match, limits, target }: z.output<typeof RuleIn>) {
  return {
    name,
    enabled: enabled ? 1 : 0,
    match_json: JSON.stringify(match),
    limits_json: JSON.stringify(limits),
    target_json: JSON.stringify(target),
  }
}

export function ruleOf({ match_json, limits_json, target_json, enabled, ...row }: StoredRule): Rule {
  return {
    ...row,
    enabled: enabled === 1,
    match: JSON.parse(match_json),
    limits: JSON.parse(limits_json),
    target: JSON.parse(target_json),
  }
}

/** A webhook that has no key gets one. */
export function keyed(target: Target): Target {
  return target.kind === 'webhook' && target.secret === undefined
    ? { ...target, secret: randomBytes(32).toString('base64url') }
    : target
}

/** A secret goes with its receiver: who names another one has to know it. */
export function withSecrets(now: Target, before: Target): Target {
  if (now.kind === 'webhook' && before.kind === 'webhook' && now.url === before.url) {
    return { ...now, secret: now.secret ?? before.secret }
  }
  if (now.kind === 'email' && before.kind === 'email') {
    const same = now.host === before.host && now.port === before.port && now.user === before.user
    const encrypted = now.security !== 'none'
    return same && encrypted ? { ...now, password: now.password ?? before.password } : now
  }
  return now
}
