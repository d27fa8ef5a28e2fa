import { timeOf } from '../output/time.ts'

const DAY = 86_400_000
/** Times of which the date is written by {@link JsonWriter.time} itself: from 1970 on, in four digits, milliseconds. */
const LAST = 253_402_300_800_000

/** Writes JSON as bytes, into memory that is used again. */
export class JsonWriter {
  #bytes = Buffer.allocUnsafeSlow(1 << 14)
  #at = 0
  #day = Number.NaN
  #date: Uint8Array = Buffer.alloc(0)

  /** What was written, in memory of its own; the next begins anew. */
  finish(): Uint8Array<ArrayBuffer> {
    const written = new Uint8Array(this.#at)
    written.set(this.#bytes.subarray(0, this.#at))
    this.#at = 0
    return written
  }

  text(text: string): void {
    this.#room(3 * text.length)
    this.#at += this.#bytes.write(text, this.#at)
  }

  /** Bytes of JSON, a few. */
  raw(part: Uint8Array): void {
    this.#room(part.length)
    const bytes = this.#bytes
    let at = this.#at
    for (let i = 0; i < part.length; i++) bytes[at++] = part[i]!
    this.#at = at
  }

  /** A number to the millionth, as JSON.stringify writes it; null for one that is none. */
  number(value: number): void {
    const millionths = Math.round(value * 1e6)
    if (!(millionths >= 0 && millionths < 1e9)) {
      this.text(JSON.stringify(millionths / 1e6))
      return
    }
    this.#room(10)
    const whole = Math.floor(millionths / 1e6)
    this.#digits(whole, whole < 10 ? 1 : whole < 100 ? 2 : 3)
    let rest = millionths - whole * 1e6
    if (rest === 0) return
    let places = 6
    while (rest % 10 === 0) {
      rest /= 10
      places--
    }
    this.#bytes[this.#at++] = 46
    this.#digits(rest, places)
  }

  /** Seconds since the epoch as RFC 3339 to the millisecond; null where there is no time. */
  time(seconds: number): void {
    const ms = Math.round(seconds * 1000)
    if (!(ms >= 0 && ms < LAST)) {
      this.text(JSON.stringify(timeOf(seconds)))
      return
    }
    const day = Math.floor(ms / DAY)
    if (day !== this.#day) {
      this.#day = day
      this.#date = Buffer.from(`"${new Date(day * DAY).toISOString().slice(0, 11)}`)
    }
    this.raw(this.#date)
    this.#room(16)
    const bytes = this.#bytes
    const rest = ms - day * DAY
    const second = Math.floor(rest / 1000)
    const minute = Math.floor(second / 60)
    this.#digits(Math.floor(minute / 60), 2)
    bytes[this.#at++] = 58
    this.#digits(minute % 60, 2)
    bytes[this.#at++] = 58
    this.#digits(second % 60, 2)
    bytes[this.#at++] = 46
    this.#digits(rest % 1000, 3)
    bytes[this.#at++] = 90
    bytes[this.#at++] = 34
  }

  /** A whole number in `places` digits. */
  #digits(value: number, places: number): void {
    const bytes = this.#bytes
    let rest = value
    for (let i = this.#at + places - 1; i >= this.#at; i--) {
      const tens = Math.floor(rest / 10)
      bytes[i] = 48 + rest - tens * 10
      rest = tens
    }
    this.#at += places
  }

  #room(length: number): void {
    if (this.#at + length <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(2 * (this.#at + length))
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger
  }
}
