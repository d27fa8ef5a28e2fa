import type { ModelBundle } from '../store/model-bundle.ts'
import type { StoredModel } from '../store/models.ts'
import type { Repositories } from '../store/store.ts'

type Kind = ModelBundle['kind']
type Stored = Pick<Repositories, 'meta'>

/** Origins of models that the service made without being asked: of the bundled sample, and of its own devices. */
export const SAMPLE = 'sample'
export const OWN = 'own'

/** What an own model was made from. */
export interface Lesson {
  readonly model: number
  /** Hours in which there were records. */
  readonly hours: number
  readonly devices: readonly string[]
}

/** Remembers that a person chose this model, so that the service leaves it. */
export function choose({ meta }: Pick<Repositories, 'meta'>, { kind, id }: StoredModel): Promise<void> {
  return meta.set(`chosen ${kind}`, id)
}

/** Names what people chose: another name, other choices. */
export async function choices({ meta }: Stored): Promise<string> {
  const chosen = await Promise.all([meta.get<number>('chosen flows'), meta.get<number>('chosen readings')])
  return chosen.join(' ')
}

/** Whether the service may put another in the place of the active model of a kind. */
export async function isReplaceable({ meta }: Stored, kind: Kind, active: StoredModel | undefined) {
  if (!active) return true
  if (active.origin !== SAMPLE && active.origin !== OWN) return false
  return (await meta.get<number>(`chosen ${kind}`)) !== active.id
}

/** What the active model of a kind was made from, where that is known. */
export async function lessonOf({ meta }: Stored, { kind, id }: StoredModel): Promise<Lesson | undefined> {
  const lesson = await meta.get<Lesson>(`lesson ${kind}`)
  return lesson?.model === id ? lesson : undefined
}

export function keepLesson({ meta }: Stored, kind: Kind, lesson: Lesson): Promise<void> {
  return meta.set(`lesson ${kind}`, lesson)
}

/** Removes models that the service made and nobody can go back to. */
export async function removeOlder(
  { db }: Pick<Repositories, 'db'>,
  kind: Kind,
  keep: readonly number[],
): Promise<void> {
  await db
    .deleteFrom('models')
    .where('kind', '=', kind)
    .where('origin', '=', OWN)
    .where('active', '=', 0)
    .where('id', 'not in', keep)
    .execute()
}
