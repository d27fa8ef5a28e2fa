import { z } from 'zod'
import { type Device, type Devices, LEARNING } from '../../store/devices.ts'
import { notFound } from '../problem.ts'
import { Time, timeOf } from '../schemas.ts'

export const DeviceOut = z
  .object({
    id: z.int(),
    name: z.string().describe('as in its records: MAC or IP address for flows, its own id for readings'),
    label: z.string().nullable().describe('what people call it'),
    host_name: z.string().nullable().describe('learned from its traffic'),
    type: z.string().nullable(),
    first_seen: Time.nullable(),
    last_seen: Time.nullable(),
    readings: z.int().describe('readings so far'),
    flows: z.int().describe('flows so far'),
    baseline: z
      .object({
        state: z.enum(['unknown', 'learning', 'known']),
        left: z
          .int()
          .nullable()
          .describe(
            'records until its own normal is known; null while learning: no model knows such a device, its records are not judged until the service has learned them (see /status)',
          ),
      })
      .describe('how well its own normal is known'),
  })
  .meta({
    id: 'Device',
    examples: [
      {
        id: 1,
        name: 'thermostat-1',
        label: 'Living room',
        host_name: null,
        type: 'thermostat',
        first_seen: '2025-03-03T00:00:07.419Z',
        last_seen: '2025-03-06T23:59:08.102Z',
        readings: 5702,
        flows: 0,
        baseline: { state: 'known', left: 0 },
      },
    ],
  })

export function deviceOut(device: Device): z.input<typeof DeviceOut> {
  const { first_seen, last_seen, learning, created: _, ...rest } = device
  const state = learning === null ? 'unknown' : learning === 0 ? 'known' : 'learning'
  const left = learning === LEARNING ? null : learning
  return {
    ...rest,
    first_seen: timeOf(first_seen),
    last_seen: timeOf(last_seen),
    baseline: { state, left },
  }
}

/** @throws Problem when there is no such device */
export async function theDevice(devices: Devices, idOrName: number | string): Promise<Device> {
  const device = await devices.find(idOrName)
  if (!device)
    throw notFound(`there is no device ${JSON.stringify(idOrName)}; GET /api/v1/devices lists them`)
  return device
}

/** The numbers of several devices, undefined when none is asked for. @throws Problem when one does not exist */
export async function deviceIds(
  devices: Devices,
  wanted: readonly string[] | undefined,
): Promise<number[] | undefined> {
  if (!wanted || wanted.length === 0) return undefined
  const found = await Promise.all(wanted.map((one) => theDevice(devices, one)))
  return found.map(({ id }) => id)
}
