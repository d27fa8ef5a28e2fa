import { always, household, office } from '../rhythm.ts'
import { byChance, onceADay, regularly } from '../talk.ts'
import { findPrinter, print, stream, switchLights, watchCamera } from '../talks/home.ts'
import { announce, browse, clock, mistypedName, renewLease, search } from '../talks/network.ts'
import { browseTheWeb, http, https, updateFirmware } from '../talks/web.ts'
import type { DeviceKind } from './kind.ts'

/** What people hold in their hands or look at: irregular, many destinations, only while they are awake. */

export const phone: DeviceKind = {
  name: 'phone',
  place: 'home',
  oui: [],
  wireless: true,
  ipv6: true,
  behaviours: [
    byChance(0.25, household, renewLease, 300),
    byChance(9, household, browseTheWeb),
    regularly(
      1500,
      0.4,
      https('push.phones.example', { up: 220, down: 160, exchanges: 12, pause: 90 }, 5223),
    ),
    byChance(8, household, https('api.messenger.example', { up: 1800, down: 3500, spread: 0.9 })),
    byChance(0.5, household, https('photos.phones.example', { up: 1_600_000, down: 700, spread: 0.8 })),
    byChance(1, household, watchCamera),
    byChance(1, household, switchLights),
    byChance(3, household, browse('_airplay._tcp'), 90),
    byChance(0.4, household, mistypedName),
    onceADay(
      2.5,
      1.5,
      https('backup.phones.example', { up: 4_000_000, down: 3000, spread: 0.6, rate: 1.5e6 }),
    ),
    byChance(0.01, household, updateFirmware('phones.example', 30_000_000)),
  ],
}

export const laptop: DeviceKind = {
  name: 'laptop',
  place: 'home',
  oui: ['a4:4c:c8', '8c:ec:4b'],
  wireless: true,
  ipv6: true,
  behaviours: [
    byChance(0.3, office, renewLease, 300),
    byChance(14, office, browseTheWeb),
    byChance(3, household, browseTheWeb),
    byChance(
      12,
      office,
      https('mail.work.example', { up: 2500, down: 9000, spread: 1.2, exchanges: 2, pause: 5 }),
    ),
    byChance(1.5, office, https('files.work.example', { up: 250_000, down: 400_000, spread: 0.9 })),
    byChance(
      0.5,
      office,
      https('meet.work.example', { up: 500_000, down: 900_000, exchanges: 3, pause: 30 }),
    ),
    byChance(2, office, http('connectivity.laptops.example', '/success.txt', { up: 80, down: 22 })),
    byChance(1, office, clock()),
    byChance(0.6, office, print),
    byChance(0.05, office, findPrinter),
    byChance(4, office, search, 90),
    byChance(4, office, browse('_ipp._tcp'), 90),
    byChance(1.5, office, mistypedName),
    byChance(0.02, office, updateFirmware('laptops.example', 25_000_000)),
  ],
}

export const tv: DeviceKind = {
  name: 'tv',
  place: 'home',
  oui: ['8c:79:f5', 'cc:2d:8c'],
  wireless: true,
  ipv6: true,
  behaviours: [
    regularly(21600, 0.02, renewLease),
    regularly(3600, 0.2, clock('time.tv.example')),
    regularly(1800, 0.2, https('standby.tv.example', { up: 420, down: 380 })),
    regularly(150, 0.1, search),
    regularly(1200, 0.2, announce('_airplay._tcp')),
    byChance(5, household, https('ads.tv.example', { up: 1700, down: 14_000, spread: 0.8 })),
    onceADay(19, 1.5, stream('cdn-#.films.example', [60, 150], 1_800_000)),
    byChance(0.006, always, updateFirmware('tv.example', 30_000_000)),
  ],
}

export const printer: DeviceKind = {
  name: 'printer',
  place: 'home',
  oui: ['3c:d9:2b', '00:26:73'],
  wireless: true,
  ipv6: false,
  behaviours: [
    regularly(21600, 0.02, renewLease),
    regularly(600, 0.1, announce('_ipp._tcp')),
    regularly(14400, 0.1, https('ink.printers.example', { up: 2600, down: 500 })),
    byChance(0.003, always, updateFirmware('printers.example', 12_000_000)),
  ],
}
