import {
  engineeringStation,
  historian,
  hmi,
  plc,
  pressureSensor,
  temperatureSensor,
  vibrationSensor,
} from './factory.ts'
import { camera, hub, plug, thermostat, voiceAssistant } from './home.ts'
import type { DeviceKind } from './kind.ts'
import { laptop, phone, printer, tv } from './people.ts'

/** A home of twelve and a factory of eight devices, in the order in which a smaller simulation takes them. */
export const POPULATION: readonly DeviceKind[] = [
  camera,
  plc,
  hmi,
  plug,
  thermostat,
  vibrationSensor,
  phone,
  hub,
  temperatureSensor,
  laptop,
  pressureSensor,
  historian,
  tv,
  voiceAssistant,
  engineeringStation,
  printer,
  plc,
  camera,
  plug,
  plug,
]
