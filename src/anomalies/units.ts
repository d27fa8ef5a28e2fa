/** Numbers as a person writes them: `1.2 MB`, `3.4 s`, `4,812`, `21.5 °C`. */

const sizes = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB']

/** A value with its unit, three significant digits: bytes become kB, MB, …; seconds become ms, min, h, days. */
export function humanise(value: number, unit: string): string {
  if (!Number.isFinite(value)) return 'unknown'
  if (unit === 'bytes' || unit === 'bytes/s') return size(value) + unit.slice(5)
  if (unit === 's') return duration(value)
  if (unit === 'ms') return duration(value / 1000)
  if (/^[a-z]+s$/.test(unit)) return counted(value, unit)
  if (unit === 'share') return `${digits(value * 100)} %`
  const text = digits(value)
  return unit === ''
    ? text
    : unit === '%' || unit.startsWith('°')
      ? `${text} ${unit}`
      : `${text} ${plural(unit, text)}`
}

/** `usually 0–6`, `usually 1.2 kB–3.4 MB`; one value when both ends read the same. */
export function humaniseRange(low: number, high: number, unit: string): string {
  const from = humanise(low, unit)
  const to = humanise(high, unit)
  if (from === to) return to
  // One unit for both ends where it is the same: `40–310 bytes`, `1–7 flows`.
  const [number, ...rest] = from.split(' ')
  const its = rest.join(' ')
  const same = its !== '' && (to.endsWith(` ${its}`) || to.endsWith(` ${its}s`))
  return `${same ? number : from}${low < 0 ? ' to ' : '–'}${to}`
}

function size(bytes: number): string {
  const power = Math.min(sizes.length - 1, Math.max(0, Math.floor(Math.log10(Math.abs(bytes) || 1) / 3)))
  return `${digits(bytes / 1000 ** power)} ${power === 0 && Math.abs(bytes) === 1 ? 'byte' : sizes[power]}`
}

/** Counts that fade with time are no whole numbers; a tenth is as fine as anybody wants them. */
function counted(value: number, unit: string): string {
  const text = digits(Math.abs(value) < 10 ? Math.round(value * 10) / 10 : value)
  return `${text} ${plural(unit, text)}`
}

function duration(seconds: number): string {
  const s = Math.abs(seconds)
  if (s === 0) return '0 s'
  if (s < 1e-3) return `${digits(seconds * 1e6)} µs`
  if (s < 1) return `${digits(seconds * 1e3)} ms`
  if (s < 120) return `${digits(seconds)} s`
  if (s < 7200) return `${digits(seconds / 60)} min`
  if (s < 172_800) return `${digits(seconds / 3600)} h`
  return `${digits(seconds / 86_400)} days`
}

/** Three significant digits without exponent up to 10^15; whole numbers from 100 on, grouped by commas. */
function digits(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return value.toPrecision(3)
  if (size >= 100) return grouped(Math.round(value))
  return String(Number(value.toPrecision(3)))
}

function grouped(whole: number): string {
  return String(whole).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

function plural(unit: string, text: string): string {
  return text === '1' && /^[a-z]+s(\/|$)/.test(unit) ? unit.replace(/^([a-z]+)s/, '$1') : unit
}
