import { z } from 'zod'
import { applyRetention } from '../../store/retention.ts'
import { given } from '../given.ts'
import { jobKind } from '../kind.ts'

const Days = z.number().min(0.01).max(100_000)

/** What is kept how long; what is left out is as the configuration says. */
export const Keeping = z.strictObject({
  readings: Days.optional().describe('days for which readings are kept as they came; older ones by the hour'),
  hours: Days.optional().describe('days for which readings are kept by the hour'),
  flows: Days.optional().describe('days for which flows are kept'),
  anomalies: Days.optional().describe('days for which anomalies and incidents are kept'),
  history: Days.optional().describe(
    'days for which events, deliveries, finished jobs and the audit log are kept',
  ),
  size: z.int().min(1_000_000).optional().describe('bytes; beyond it the oldest records go'),
})

/** Removes what is older than what is to be kept. */
export const retention = jobKind({
  name: 'retention',
  about: 'remove what is older than is to be kept',
  heavy: false,
  params: Keeping,
  run: async (params, { store, keeping, signal, progress }) => {
    progress(null, 'removing what is old')
    const removed = await applyRetention(store, { ...keeping, ...given(params) }, Date.now() / 1000, signal)
    return async () => ({ removed })
  },
})
