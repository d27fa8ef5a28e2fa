import { rfc3339 } from '../output/time.ts'
import { DEFAULT_THRESHOLD } from '../pipeline/options.ts'
import type { AlarmPromise, ModelBundle } from '../store/model-bundle.ts'
import { count, counted } from './read-text.ts'
import { plain, style } from './terminal.ts'

/** The card of a trained model, for a terminal. */
export function modelText({ kind, models, summary, past }: ModelBundle): string {
  const { rows, from, to, devices, features, dropped, contamination, warnings, alarms, promise } = summary
  const names = models.map((m) => m.detector.name).join(' + ')
  const lines = [
    `${style('bold', `Model for ${kind}`)}: ${names}`,
    `  learned from ${count(rows.fitted)} rows, calibrated on ${count(rows.calibrated)} later ones, of ${count(rows.seen)} seen; ${counted(devices, 'devices')}`,
  ]
  if (from !== null && to !== null)
    lines.push(`  time ${rfc3339(from)} to ${rfc3339(to)}, ${span(to - from)}`)
  lines.push(`  ${counted(features.length, 'features')}, contamination ${contamination}`)
  if (dropped.length > 0) {
    lines.push(
      `  dropped ${counted(dropped.length, 'features')}: ${dropped
        .slice(0, 6)
        .map(({ name, reason }) => `${plain(name)} (${plain(reason)})`)
        .join(', ')}${dropped.length > 6 ? ', …' : ''}`,
    )
  }
  for (const { threshold, measured, p, perDeviceDay } of alarms) {
    if (threshold !== 0.5 && threshold !== DEFAULT_THRESHOLD) continue
    const rate = perDeviceDay === null ? '' : `, ${perDay(perDeviceDay)}`
    lines.push(
      `  at threshold ${threshold}: promised ${percent(p)} of normal rows, measured ${percent(measured)}${rate}`,
    )
  }
  if (promise) lines.push(promiseText(promise))
  if (past) {
    const left = past.leftOut > 0 ? `; ${count(past.leftOut)} unseen for longest left out` : ''
    lines.push(`  remembers ${counted(past.devices, 'devices')} until ${rfc3339(past.until)}${left}`)
  }
  for (const warning of warnings) lines.push(`  ${style('yellow', 'warning')} ${plain(warning)}`)
  return lines.join('\n')
}

function promiseText({
  accepted,
  perDeviceDay,
  threshold,
  p,
  days,
  deviceDays,
  measured,
}: AlarmPromise): string {
  const same = accepted.endsWith('/device-day') ? '' : ` (${perDay(perDeviceDay)})`
  const found = measured === null ? 'too few records to measure it' : `measured ${perDay(measured)}`
  return [
    `  promised: at most ${accepted} false alarms${same}; threshold ${threshold}, p ${p.toExponential(1)}`,
    `    ${found}; from ${span(days * 86_400)} of held-out records, ${Number(deviceDays.toPrecision(2))} device-days`,
  ].join('\n')
}

/** `0.12 alarms a device-day`. */
export function perDay(rate: number): string {
  return `${Number(rate.toPrecision(2))} alarms a device-day`
}

/** 0.01 -> `1%`. */
export function percent(share: number): string {
  return `${Number((share * 100).toPrecision(2))}%`
}

/** A length of time in its two largest units: `2 d 3 h`, `12.3 s`. */
export function span(seconds: number): string {
  if (!(seconds >= 60)) return `${Number(seconds.toPrecision(3))} s`
  const units: [string, number][] = [
    ['d', 86400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ]
  const first = units.findIndex(([, size]) => seconds >= size)
  const [name, size] = units[first]!
  const [small, smallSize] = units[first + 1]!
  const whole = Math.floor(seconds / size)
  const rest = Math.floor((seconds - whole * size) / smallSize)
  return rest === 0 ? `${whole} ${name}` : `${whole} ${name} ${rest} ${small}`
}
