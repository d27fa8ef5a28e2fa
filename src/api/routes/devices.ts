import { z } from 'zod'
import type { Routes } from '../app.ts'
import { DeviceOut, deviceOut, theDevice } from '../resources/device.ts'
import { DeviceIn, Page, pageOf } from '../schemas.ts'

const Params = z.object({ device: DeviceIn })
const Name = z.string().trim().min(1).max(200).nullable()

export const deviceRoutes: Routes = (app, { store: { devices } }) => {
  app.get(
    '/devices',
    {
      config: { access: { role: 'viewer', scope: 'devices:read' } },
      schema: {
        tags: ['devices'],
        summary: 'All devices, in order of their numbers',
        querystring: z.strictObject({
          ...Page,
          search: z
            .string()
            .min(1)
            .max(100)
            .optional()
            .meta({
              description: 'part of the name, the label or the host name',
              examples: ['thermo'],
            }),
          type: z
            .string()
            .max(200)
            .optional()
            .meta({ examples: ['thermostat'] }),
        }),
        response: { 200: pageOf(DeviceOut) },
      },
    },
    async ({ query: { search, type, cursor, limit } }) => {
      const page = await devices.list({ ...(search && { search }), ...(type && { type }) }, limit, cursor)
      return { items: page.items.map(deviceOut), next: page.next }
    },
  )

  app.get(
    '/devices/:device',
    {
      config: { access: { role: 'viewer', scope: 'devices:read' } },
      schema: { tags: ['devices'], summary: 'One device', params: Params, response: { 200: DeviceOut } },
    },
    async ({ params }) => deviceOut(await theDevice(devices, params.device)),
  )

  app.patch(
    '/devices/:device',
    {
      config: { access: { role: 'operator', scope: 'devices:write' } },
      schema: {
        tags: ['devices'],
        summary: 'Name a device, or say what it is',
        params: Params,
        body: z
          .strictObject({
            label: Name.optional().describe('what people call it; null for nothing'),
            type: Name.optional().describe('what it is; null for unknown'),
          })
          .meta({ examples: [{ label: 'Living room', type: 'thermostat' }] }),
        response: { 200: DeviceOut },
      },
    },
    async ({ params, body }) => {
      const { id } = await theDevice(devices, params.device)
      const { label, type } = body
      const change = { ...(label !== undefined && { label }), ...(type !== undefined && { type }) }
      return deviceOut((await devices.update(id, change))!)
    },
  )
}
