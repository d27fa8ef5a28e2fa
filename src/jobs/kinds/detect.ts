import { z } from 'zod'
import type { Repositories } from '../../store/store.ts'
import { findAnomalies, forgetFindings } from '../find-anomalies.ts'
import { given } from '../given.ts'
import { jobKind } from '../kind.ts'
import { rangeOf, Stored } from '../selection.ts'
import { storedBatches } from '../sources.ts'
import { Judging } from './judging.ts'

/** Looks for anomalies in what is stored. */
export const detect = jobKind({
  name: 'detect',
  about: 'look for anomalies in stored data',
  heavy: true,
  params: z.strictObject({ stored: Stored.prefault({}), ...Judging.shape }),
  async run({ stored, threshold, model, store }, context) {
    const range = await rangeOf(stored, context.store)
    const kinds = stored.kinds ?? (await modelledKinds(context.store))
    const source = storedBatches(range, kinds, context)
    return findAnomalies(source, given({ local: context.local, threshold, model }), store, context)
  },
  undo: forgetFindings,
})

/** Kinds that can be judged: without a model for readings, flows alone are looked at. */
async function modelledKinds({ models }: Pick<Repositories, 'models'>) {
  const active = await models.list()
  return active.filter((model) => model.active === 1).map(({ kind }) => kind)
}
