import { AlertRows } from '../store/alerts.ts'
import { chunks } from '../store/cursor.ts'
import type { StoredIncident } from '../store/incidents.ts'
import type { Repositories } from '../store/store.ts'
import { isExcepted, isQuietHour, keepsQuiet, matches } from './match.ts'
import { type Message, messageOf, summaryOf } from './message.ts'
import type { Rule } from './rule.ts'
import { ruleOf } from './stored-rule.ts'

/** Up to where in the events incidents have been looked at. */
export const PLACE = 'alerts seq'

/**
 * Decides what is told of the incidents that the next events are about, and keeps it as deliveries.
 *
 * @param now seconds since the epoch
 * @returns whether there may be more events
 */
export async function decideNext(tx: Repositories, now: number): Promise<boolean> {
  await alone(tx)
  const from = (await tx.meta.get<number>(PLACE)) ?? 0
  const events = await tx.events.after(from)
  if (events.length === 0) return false
  await tx.meta.set(PLACE, events.at(-1)!.seq)
  const ids = events
    .filter(({ type }) => type === 'incident')
    .map(({ data_json }) => (JSON.parse(data_json) as { id: number }).id)
  const incidents = await incidentsOf(tx, [...new Set(ids)])
  if (incidents.length === 0) return true
  const rows = new AlertRows(tx.db)
  for (const rule of (await rows.rules()).map(ruleOf)) {
    if (!rule.enabled) continue
    await summarise(rule, tx, rows, now)
    await apply(rule, incidents, rows, now)
  }
  return true
}

/** Rules whose quiet hours are over, with something that was kept back in them. */
export async function rulesToSummarise({ db }: Repositories, now: number): Promise<Rule[]> {
  const rows = new AlertRows(db)
  const due: Rule[] = []
  for (const rule of (await rows.rules()).map(ruleOf)) {
    if (rule.enabled && (await keptBack(rule, rows, now)).length > 0) due.push(rule)
  }
  return due
}

/** Keeps a summary for each of these rules, unless another process has meanwhile. */
export async function summariseAll(rules: readonly Rule[], tx: Repositories, now: number): Promise<void> {
  await alone(tx)
  for (const rule of rules) await summarise(rule, tx, new AlertRows(tx.db), now)
}

/** From here to the end of the transaction no other process decides: the place is written before anything is read. */
async function alone({ db }: Repositories): Promise<void> {
  await db
    .updateTable('meta')
    .set((eb) => ({ value: eb.ref('value') }))
    .where('key', '=', PLACE)
    .execute()
}

/** Each incident is told once by a rule, when it first is what the rule is about, or too certain to wait for morning. */
async function apply(
  rule: Rule,
  incidents: readonly StoredIncident[],
  rows: AlertRows,
  now: number,
): Promise<void> {
  const matching = incidents.filter((incident) => matches(rule.match, incident))
  if (matching.length === 0) return
  const known = await rows.dealtWith(
    rule.id,
    matching.map(({ id }) => id),
  )
  for (const incident of matching) {
    const state = known.get(incident.id)
    const { last, heldBack } = await rows.recent(rule.id)
    const quiet = keepsQuiet(rule.limits, incident.confidence, now, last)
    if (state === 'told' || (state === 'quiet' && (quiet || !isExcepted(rule.limits, incident)))) continue
    await rows.deliver({
      ruleId: rule.id,
      incidentId: incident.id,
      state: quiet ? 'quiet' : 'pending',
      body: messageOf(rule, incident, quiet ? 0 : heldBack),
      created: now,
    })
  }
}

/** One alert about what a rule kept back in its quiet hours, once they are over. */
async function summarise(rule: Rule, tx: Repositories, rows: AlertRows, now: number): Promise<void> {
  const ids = await keptBack(rule, rows, now)
  if (ids.length === 0) return
  const kept = await rows.some(ids)
  // As they are now: an incident goes on while nobody is told.
  const incidents = await incidentsOf(
    tx,
    kept.flatMap(({ incident_id }) => incident_id ?? []),
  )
  const current = new Map(incidents.map((incident) => [incident.id, messageOf(rule, incident, 0).incident]))
  const told = kept.map(({ incident_id, body_json, created }) => ({
    at: created,
    incident: current.get(incident_id!) ?? (JSON.parse(body_json) as Message).incident,
  }))
  const body = summaryOf(rule, told)
  await rows.deliver({ ruleId: rule.id, incidentId: null, state: 'pending', body, created: now })
}

/** What was kept back in a rule's quiet hours and neither told nor summarised since; nothing while they last. */
async function keptBack({ id, limits: { quiet } }: Rule, rows: AlertRows, now: number): Promise<number[]> {
  if (!quiet || isQuietHour(quiet, now)) return []
  const kept = await rows.keptBack(id)
  return kept.filter(({ created }) => isQuietHour(quiet, created)).map((row) => row.id)
}

async function incidentsOf({ db }: Repositories, ids: readonly number[]): Promise<StoredIncident[]> {
  const all: StoredIncident[] = []
  for (const some of chunks(ids)) {
    all.push(...(await db.selectFrom('incidents').selectAll().where('id', 'in', some).execute()))
  }
  return all.sort((a, b) => a.id - b.id)
}
