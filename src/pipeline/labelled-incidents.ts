/** Seconds without a row of the label on the device after which a labelled incident is over. */
export const INCIDENT_GAP = 3600

/** Incidents as the labels tell them. */
export interface LabelledIncidents {
  /** (rows) number of the incident each row is part of; -1 for benign rows. */
  readonly of: Int32Array
  /** (incidents) class of the rows of each. */
  readonly classes: readonly number[]
}

/**
 * A labelled incident is what somebody who labels would call one attack: rows of one label and one device with no
 * more than an hour between neighbours in time. Rows without time are one incident a label and device.
 *
 * @param classes (rows) class of each row, -1 benign
 * @param devices (rows) number of the device
 * @param ts (rows) s since the epoch, NaN where there is none
 */
export function labelledIncidents(
  classes: Float64Array,
  devices: Float64Array,
  ts: Float64Array,
): LabelledIncidents {
  const rows: number[] = []
  for (let i = 0; i < classes.length; i++) if (classes[i]! >= 0) rows.push(i)
  const order = Uint32Array.from(rows)
  const time = (i: number) => (Number.isNaN(ts[i]) ? -Infinity : ts[i]!)
  const late = (a: number, b: number) => (time(a) < time(b) ? -1 : time(a) > time(b) ? 1 : a - b)
  order.sort((a, b) => classes[a]! - classes[b]! || devices[a]! - devices[b]! || late(a, b))
  const of = new Int32Array(classes.length).fill(-1)
  const found: number[] = []
  let before = -1
  for (const i of order) {
    const goesOn =
      before >= 0 &&
      classes[i] === classes[before] &&
      devices[i] === devices[before] &&
      // Not the other way round: between two rows without time the gap is NaN.
      !(time(i) - time(before) > INCIDENT_GAP)
    if (!goesOn) found.push(classes[i]!)
    of[i] = found.length - 1
    before = i
  }
  return { of, classes: found }
}
