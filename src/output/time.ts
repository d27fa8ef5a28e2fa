let cachedMinute = Number.NaN
let cachedText = ''

/**
 * Seconds since the epoch as RFC 3339 in UTC, with as many decimals as the time has, at most six:
 * `2018-10-25T12:08:22.53864Z`. '' for NaN and for times outside the years 0–9999.
 */
export function rfc3339(seconds: number): string {
  let whole = Math.floor(seconds)
  let micros = Math.round((seconds - whole) * 1e6)
  if (micros === 1e6) {
    whole++
    micros = 0
  }
  if (!(whole >= -62167219200 && whole < 253402300800)) return ''
  const minute = Math.floor(whole / 60)
  if (minute !== cachedMinute) {
    cachedText = new Date(minute * 60_000).toISOString().slice(0, 17)
    cachedMinute = minute
  }
  const second = whole - minute * 60
  const text = second < 10 ? `${cachedText}0${second}` : cachedText + second
  if (micros === 0) return `${text}Z`
  const digits = String(micros).padStart(6, '0')
  let end = 6
  while (digits[end - 1] === '0') end--
  return `${text}.${digits.slice(0, end)}Z`
}

/** Seconds since the epoch as an answer's time, milliseconds in UTC; null for null, NaN and times out of range. */
export function timeOf(seconds: number): string
export function timeOf(seconds: number | null): string | null
export function timeOf(seconds: number | null): string | null {
  if (seconds === null || !(Math.abs(seconds) <= 8.64e12)) return null
  return new Date(Math.round(seconds * 1000)).toISOString()
}
