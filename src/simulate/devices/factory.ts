import { AIR, MACHINE, PRESSURE, VIBRATION, WIRED_LINK, WIRELESS_LINK } from '../metric.ts'
import { always, office, shifts } from '../rhythm.ts'
import { byChance, onceADay, regularly } from '../talk.ts'
import { maintain, pollControllers, readTrends, transferProgram, writeSetPoints } from '../talks/factory.ts'
import { mqttLocal } from '../talks/mqtt.ts'
import { clock, mistypedName, ping, renewLease } from '../talks/network.ts'
import { browseTheWeb, https, updateFirmware } from '../talks/web.ts'
import type { DeviceKind } from './kind.ts'

/**
 * The machines of a small plant: a few controllers polled without pause, sensors that publish by MQTT,
 * and people at the engineering station. Polled traffic is so regular that models of it go back to
 * Goldenberg & Wool 2013 (Accurate modeling of Modbus/TCP for intrusion detection in SCADA systems).
 */

const wired = { place: 'factory', wireless: false, ipv6: false } as const

/** Sensors keep a session with the broker for about half an hour and publish every minute. */
const publish = regularly(
  1860,
  0.1,
  mqttLocal({ keepAlive: 120, publishEvery: 60, session: [1200, 1620], message: 150 }),
)
const sensorNetwork = [
  regularly(21600, 0.02, renewLease),
  regularly(3600, 0.1, clock('time.plant.example', true)),
  publish,
]

/** A controller: answers the HMI, asks for little itself. */
export const plc: DeviceKind = {
  ...wired,
  name: 'plc',
  oui: ['28:63:36', '00:80:f4', '00:1d:9c'],
  behaviours: [
    regularly(21600, 0.02, renewLease),
    regularly(4096, 0.02, clock('time.plant.example', true)),
    regularly(900, 0.02, ping),
  ],
  metrics: [...MACHINE, ...WIRED_LINK],
}

/** The operators' panel: polls every PLC each ten seconds, day and night. */
export const hmi: DeviceKind = {
  ...wired,
  name: 'hmi',
  oui: ['00:d0:c9', '00:0b:ab'],
  behaviours: [
    regularly(21600, 0.02, renewLease),
    regularly(3600, 0.1, clock('time.plant.example')),
    regularly(660, 0.02, pollControllers(600, 10, 24)),
    byChance(1.5, shifts, writeSetPoints),
    regularly(900, 0.1, readTrends),
  ],
}

/** The historian: gathers values into its database, runs the broker, sends a copy away every night. */
export const historian: DeviceKind = {
  ...wired,
  name: 'historian',
  oui: ['00:50:56', 'd4:ae:52'],
  behaviours: [
    regularly(21600, 0.02, renewLease),
    regularly(1024, 0.02, clock('time.plant.example')),
    regularly(300, 0.02, pollControllers(1, 1, 100)),
    regularly(1800, 0.1, https('telemetry.plantcloud.example', { up: 42_000, down: 600, spread: 0.3 })),
    onceADay(
      1.5,
      0.5,
      https('backup.plantcloud.example', { up: 6_000_000, down: 900, spread: 0.3, rate: 2e6 }),
    ),
    byChance(0.01, always, updateFirmware('plantcloud.example', 15_000_000)),
  ],
}

/** The engineering station: an office machine that also programs the controllers. */
export const engineeringStation: DeviceKind = {
  ...wired,
  name: 'engineering-station',
  oui: ['00:1b:1b', '54:bf:64'],
  behaviours: [
    byChance(0.3, office, renewLease, 300),
    byChance(1, always, clock('time.plant.example')),
    byChance(8, office, browseTheWeb),
    byChance(
      6,
      office,
      https('mail.work.example', { up: 2500, down: 9000, spread: 1.2, exchanges: 2, pause: 5 }),
    ),
    byChance(3, office, readTrends),
    byChance(0.6, office, maintain),
    byChance(0.5, office, writeSetPoints),
    byChance(0.12, office, transferProgram),
    byChance(1, office, mistypedName),
    byChance(0.02, office, updateFirmware('laptops.example', 25_000_000)),
  ],
}

export const vibrationSensor: DeviceKind = {
  ...wired,
  name: 'vibration-sensor',
  wireless: true,
  oui: ['b8:27:eb', '24:0a:c4'],
  behaviours: sensorNetwork,
  metrics: [...VIBRATION, ...WIRELESS_LINK],
}

export const temperatureSensor: DeviceKind = {
  ...wired,
  name: 'temperature-sensor',
  wireless: true,
  oui: ['24:0a:c4', '30:ae:a4'],
  behaviours: sensorNetwork,
  metrics: [...AIR, ...WIRELESS_LINK],
}

export const pressureSensor: DeviceKind = {
  ...wired,
  name: 'pressure-sensor',
  wireless: true,
  oui: ['30:ae:a4', '00:02:a0'],
  behaviours: sensorNetwork,
  metrics: [...PRESSURE, ...WIRELESS_LINK],
}
