const COMMA = 44
const POINT = 46

/** A number with a decimal comma, `1,5` or `1.234,5`. */
const WITH_COMMA = /^[+-]?(\d+|\d{1,3}(\.\d{3})+)?,\d+(e[+-]?\d+)?$/i
const WITH_POINT = /^[+-]?\d*\.\d+(e[+-]?\d+)?$/i

/** Whether a table writes its numbers with a decimal comma, as its delimiter and most of its fractions tell. */
export function hasDecimalComma(rows: readonly (readonly string[])[], delimiter: string): boolean {
  if (delimiter === ',') return false
  let commas = 0
  let points = 0
  for (const row of rows) {
    for (const cell of row) {
      if (WITH_COMMA.test(cell)) commas++
      else if (WITH_POINT.test(cell)) points++
    }
  }
  return commas > points
}

/** A cell with its decimal comma made a point; anything but such a number stays as it is. */
export function withPoint(cell: string): string {
  return WITH_COMMA.test(cell) ? cell.replaceAll('.', '').replace(',', '.') : cell
}

/** {@link withPoint} on bytes, into a buffer of its own. */
export class DecimalComma {
  readonly bytes = new Uint8Array(64)

  /** Length of the number from `source[start, end)` now at the beginning of {@link bytes}; -1 when it has no comma. */
  convert(source: Uint8Array, start: number, end: number): number {
    if (end - start > this.bytes.length) return -1
    let commas = 0
    let length = 0
    for (let i = start; i < end; i++) {
      const c = source[i]!
      if (c === COMMA) {
        commas++
        this.bytes[length++] = POINT
      } else if ((c >= 48 && c <= 57) || c === 43 || c === 45 || (c | 32) === 101) this.bytes[length++] = c
      else if (c !== POINT || commas > 0) return -1
    }
    return commas === 1 ? length : -1
  }
}
