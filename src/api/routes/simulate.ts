import { z } from 'zod'
import type { SimulatorState } from '../../live/simulator.ts'
import type { Routes } from '../app.ts'
import { Time, timeOf } from '../schemas.ts'

const SimulatorOut = z
  .object({
    on: z.boolean(),
    devices: z.int(),
    since: Time.nullable(),
    sent: z.int().describe('records stored since the service was started'),
  })
  .meta({
    id: 'Simulator',
    examples: [{ on: true, devices: 14, since: '2025-03-06T22:29:26.000Z', sent: 1200 }],
  })

export const simulateRoutes: Routes = (app, { simulator }) => {
  app.get(
    '/simulate',
    {
      config: { access: { role: 'viewer', scope: 'simulate:read' } },
      schema: { tags: ['simulate'], summary: 'Are demo devices on?', response: { 200: SimulatorOut } },
    },
    () => simulatorOut(simulator.state),
  )

  app.put(
    '/simulate',
    {
      config: { access: { role: 'operator', scope: 'simulate:write' } },
      schema: {
        tags: ['simulate'],
        summary: 'Switch demo devices on or off',
        description:
          'A home and a small factory whose readings and flows come in real time, beginning with the last hour, with an attack or a fault about every half hour. What was stored stays when they are switched off.',
        body: z
          .strictObject({
            on: z.boolean(),
            devices: z.int().min(1).max(200).optional().describe('14 when left out'),
          })
          .meta({ examples: [{ on: true }] }),
        response: { 200: SimulatorOut },
      },
    },
    async ({ body: { on, devices } }) => simulatorOut(await simulator.switch(on, devices)),
  )
}

function simulatorOut(state: SimulatorState): z.input<typeof SimulatorOut> {
  return { ...state, since: timeOf(state.since) }
}
