import type { AffectedFeature } from '../schema/anomaly.ts'

/** `value` in at most four significant digits, thousands grouped: 12,345 · 0.01235 · 1.2e-9. */
export function shortNumber(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'unset' : value > 0 ? '∞' : '-∞'
  const size = Math.abs(value)
  if (size < 1000 && Number.isInteger(value)) return String(value)
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return value.toExponential(1).replace('e+', 'e')
  if (size < 1000) return String(Number(value.toPrecision(4)))
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',')
}

/** A value with its unit: `12,345 bytes`, `udp`. */
export function valueText(value: number | string, unit: string): string {
  if (typeof value === 'string') return value === '' ? 'unset' : value
  return unit === '' ? shortNumber(value) : `${shortNumber(value)} ${unit}`
}

/** What is typical: `40–1,500`, `always 0`, `tcp, udp`, `never seen`. */
export function typicalText(typical: AffectedFeature['typical']): string {
  if ('usual' in typical) {
    return typical.usual.length === 0 ? 'never seen' : typical.usual.map((v) => v || 'unset').join(', ')
  }
  const low = shortNumber(typical.low)
  const high = shortNumber(typical.high)
  return low === high ? `always ${low}` : `${low}–${high}`
}

/** One affected feature on one line: `orig_bytes 1,234,567 bytes (typical 40–1,500) 62%`. */
export function featureText(f: AffectedFeature): string {
  const share = Math.round(f.contribution * 100)
  return `${f.feature} ${valueText(f.value, f.unit)} (typical ${typicalText(f.typical)}) ${share}%`
}
