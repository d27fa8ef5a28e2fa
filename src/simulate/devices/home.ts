import { ENERGY, INDOOR_CLIMATE, WIRELESS_LINK } from '../metric.ts'
import { always, household } from '../rhythm.ts'
import { byChance, onceADay, regularly } from '../talk.ts'
import { switchLights } from '../talks/home.ts'
import { mqttCloud } from '../talks/mqtt.ts'
import { announce, clock, notify, ping, renewLease } from '../talks/network.ts'
import { http, https, updateFirmware } from '../talks/web.ts'
import type { DeviceKind } from './kind.ts'

/**
 * The things of a home. Volumes and periods follow what IoT-23 (Garcia 2020), IoT Sentinel (Miettinen 2017) and
 * Sivanathan 2018 (Classifying IoT devices in smart environments) describe: short regular exchanges with few
 * servers, own DNS and NTP rhythms, activity that follows people.
 */

/** A Wi-Fi camera: heartbeat to its cloud, clips uploaded when something moves, watched live now and then. */
export const camera: DeviceKind = {
  name: 'camera',
  place: 'home',
  oui: ['44:19:b6', 'c0:56:e3', '9c:8e:cd'],
  wireless: true,
  ipv6: false,
  behaviours: [
    regularly(21600, 0.02, renewLease),
    regularly(3600, 0.1, clock('time.camcloud.example')),
    regularly(120, 0.08, https('heartbeat.camcloud.example', { up: 420, down: 190 })),
    byChance(
      2.2,
      household,
      https('clips.camcloud.example', { up: 900_000, down: 350, spread: 0.7, rate: 9e5 }),
    ),
    byChance(
      0.15,
      always,
      https('clips.camcloud.example', { up: 350_000, down: 350, spread: 0.5, rate: 9e5 }),
    ),
    byChance(0.006, always, updateFirmware('camcloud.example', 9_000_000)),
  ],
}

/** A smart plug: keeps an MQTT connection alive, loses it every half hour or so, reports its switching. */
export const plug: DeviceKind = {
  name: 'plug',
  place: 'home',
  oui: ['50:c7:bf', 'ec:fa:bc', '2c:3a:e8'],
  wireless: true,
  ipv6: false,
  behaviours: [
    regularly(21600, 0.02, renewLease),
    regularly(1800, 0.05, clock('pool.ntp.example', true)),
    regularly(
      1560,
      0.25,
      mqttCloud(
        'mqtt.plugs.example',
        { keepAlive: 55, publishEvery: 0, session: [700, 1150], message: 90 },
        true,
      ),
    ),
    byChance(0.8, household, https('events.plugs.example', { up: 260, down: 140 })),
    byChance(0.004, always, updateFirmware('plugs.example', 1_200_000)),
  ],
  metrics: [...ENERGY, ...WIRELESS_LINK],
}

/** A thermostat: reports every five minutes, asks for the weather, listens to its owners. */
export const thermostat: DeviceKind = {
  name: 'thermostat',
  place: 'home',
  oui: ['18:b4:30', '64:16:66'],
  wireless: true,
  ipv6: false,
  behaviours: [
    regularly(21600, 0.02, renewLease),
    regularly(7200, 0.1, clock()),
    regularly(300, 0.05, https('transport.thermo.example', { up: 780, down: 240 }, 9543)),
    regularly(3600, 0.1, https('weather.thermo.example', { up: 340, down: 2600 })),
    byChance(0.3, household, https('transport.thermo.example', { up: 460, down: 420 }, 9543)),
    byChance(0.004, always, updateFirmware('thermo.example', 5_000_000)),
  ],
  metrics: [...INDOOR_CLIMATE, ...WIRELESS_LINK],
}

/** A light hub after the Philips Hue bridge of IoT-23 4-1: SSDP and mDNS, NTP, short HTTPS and HTTP polls. */
export const hub: DeviceKind = {
  name: 'hub',
  place: 'home',
  oui: ['00:17:88', 'ec:b5:fa'],
  wireless: false,
  ipv6: false,
  behaviours: [
    regularly(21600, 0.02, renewLease),
    regularly(1100, 0.25, clock('time.lights.example')),
    regularly(110, 0.08, notify),
    regularly(900, 0.1, announce('_hue._tcp')),
    regularly(660, 0.1, https('bridge.lights.example', { up: 510, down: 330 })),
    regularly(2700, 0.1, http('diagnostics.lights.example', '/ping', { up: 120, down: 40 })),
    onceADay(3, 2, https('diagnostics.lights.example', { up: 28_000, down: 300, spread: 0.4 })),
    byChance(0.006, always, updateFirmware('lights.example', 14_000_000)),
  ],
}

/** A voice assistant: one long connection with pings, a burst when somebody speaks, music in the evening. */
export const voiceAssistant: DeviceKind = {
  name: 'voice-assistant',
  place: 'home',
  oui: ['44:65:0d', '74:c2:46'],
  wireless: true,
  ipv6: true,
  behaviours: [
    regularly(21600, 0.02, renewLease),
    regularly(900, 0.1, clock()),
    regularly(1500, 0.2, https('avs.voice.example', { up: 60, down: 45, exchanges: 30, pause: 30 })),
    regularly(300, 0.02, http('connectivity.voice.example', '/generate_204', { up: 90, down: 1 })),
    regularly(600, 0.05, ping),
    byChance(
      2.5,
      household,
      https('speech.voice.example', { up: 55_000, down: 30_000, spread: 0.6, rate: 3e5 }),
    ),
    byChance(
      0.5,
      household,
      https('music.voice.example', { up: 800, down: 1_300_000, exchanges: 2, pause: 60 }),
    ),
    byChance(1.2, household, switchLights),
    byChance(0.006, always, updateFirmware('voice.example', 20_000_000)),
  ],
}
