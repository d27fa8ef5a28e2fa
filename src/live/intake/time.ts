/** Times that are kept: 1970 to 2100. */
const LAST = 4_102_444_800

/**
 * A time as seconds since the epoch; NaN when it is none from 1970 to 2100. A number is seconds, milliseconds, micro- or
 * nanoseconds, told by its size; text is `2023-03-01T08:00:00.5+01:00`, UTC where it has no zone.
 */
export function parseTime(value: unknown): number {
  if (typeof value === 'number') return epochSeconds(value)
  if (typeof value !== 'string') return Number.NaN
  const bytes = Buffer.from(value.trim())
  const time = isoSeconds(bytes, 0, bytes.length)
  if (!Number.isNaN(time)) return time
  return /^\d{1,19}(\.\d+)?$/.test(value) ? epochSeconds(Number(value)) : Number.NaN
}

export function epochSeconds(value: number): number {
  const seconds = value < 1e11 ? value : value < 1e14 ? value / 1e3 : value < 1e17 ? value / 1e6 : value / 1e9
  return seconds >= 0 && seconds < LAST ? seconds : Number.NaN
}

const DAYS_BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** RFC 3339 and its usual relaxations: a blank for the T, no seconds, no zone (UTC), a zone without colon. */
export function isoSeconds(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 10 || bytes[start + 4] !== 45 || bytes[start + 7] !== 45) return Number.NaN
  const year = two(bytes, start) * 100 + two(bytes, start + 2)
  const month = two(bytes, start + 5)
  const day = two(bytes, start + 8)
  if (!(year >= 1970 && month >= 1 && month <= 12 && day >= 1 && day <= DAYS[month - 1]!)) return Number.NaN
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  if (month === 2 && day === 29 && !leap) return Number.NaN
  const years = year - 1970
  const leapDays =
    Math.floor((year - 1969) / 4) - Math.floor((year - 1901) / 100) + Math.floor((year - 1601) / 400)
  let days = years * 365 + leapDays + DAYS_BEFORE[month - 1]! + day - 1
  if (leap && month > 2) days++
  let seconds = days * 86_400
  let at = start + 10
  if (at === end) return inRange(seconds)
  const t = bytes[at]
  if (t !== 84 && t !== 116 && t !== 32) return Number.NaN
  const hour = two(bytes, at + 1)
  const minute = two(bytes, at + 4)
  if (!(hour < 24 && minute < 60) || bytes[at + 3] !== 58 || at + 6 > end) return Number.NaN
  seconds += hour * 3600 + minute * 60
  at += 6
  if (at < end && bytes[at] === 58) {
    const second = two(bytes, at + 1)
    // 60 is a leap second.
    if (!(second <= 60) || at + 3 > end) return Number.NaN
    seconds += second
    at += 3
  }
  let fraction = 0
  let scale = 1
  if (at < end && (bytes[at] === 46 || bytes[at] === 44)) {
    const first = ++at
    while (at < end && bytes[at]! >= 48 && bytes[at]! <= 57) {
      // Microseconds are what float64 can tell at this distance from 1970.
      if (at - first < 6) {
        fraction = fraction * 10 + bytes[at]! - 48
        scale *= 10
      }
      at++
    }
    if (at === first) return Number.NaN
  }
  const zone = zoneSeconds(bytes, at, end)
  // One division of whole numbers: the nearest float64 to what was written.
  return inRange(((seconds - zone) * scale + fraction) / scale)
}

/** Two digits; NaN for anything else. */
function two(bytes: Uint8Array, at: number): number {
  const high = bytes[at]! - 48
  const low = bytes[at + 1]! - 48
  return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : Number.NaN
}

/** Seconds east of UTC; NaN for what is no zone. */
function zoneSeconds(bytes: Uint8Array, at: number, end: number): number {
  if (at === end) return 0
  const sign = bytes[at]
  if (sign === 90 || sign === 122) return at + 1 === end ? 0 : Number.NaN
  if (sign !== 43 && sign !== 45) return Number.NaN
  const digits: number[] = []
  for (let i = at + 1; i < end; i++) {
    if (bytes[i] === 58 && i === at + 3) continue
    const digit = bytes[i]! - 48
    if (!(digit >= 0 && digit <= 9)) return Number.NaN
    digits.push(digit)
  }
  if (digits.length !== 2 && digits.length !== 4) return Number.NaN
  const [h = 0, hh = 0, m = 0, mm = 0] = digits
  if (h * 10 + hh > 23 || m > 5) return Number.NaN
  return ((h * 10 + hh) * 3600 + (m * 10 + mm) * 60) * (sign === 45 ? -1 : 1)
}

function inRange(seconds: number): number {
  return seconds >= 0 && seconds < LAST ? seconds : Number.NaN
}
