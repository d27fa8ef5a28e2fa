let short = 0

/** Prints `NAME: <figure>, bar B: met|short`. */
export function verdict(v: {
  readonly name: string
  readonly figure: string
  readonly bar: string
  readonly met: boolean
}): void {
  if (!v.met) short++
  console.log(`${v.name}: ${v.figure}, bar ${v.bar}: ${v.met ? 'met' : 'short'}`)
}

/** Says why a check could not be made here; that counts as short, as nothing was shown. */
export function noData(name: string, folder: string): void {
  short++
  console.log(`${name}: no data; name the folder that holds ${folder}/ with --data or MOTEWATCH_DATA`)
}

/** How many bars fell short so far. */
export function shortCount(): number {
  return short
}
