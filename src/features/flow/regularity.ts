import type { DecayTable } from '../decay-table.ts'

/** Flows that begin within so many seconds are one contact. */
const ONE_CONTACT = 1
/** Fewest contacts that can be called regular. */
const FEWEST = 6
/** Largest standard deviation of the intervals, relative to their mean; that of random arrivals is 1. */
const SPREAD = 0.4
/** Least share of a new interval in mean and variance: they reach back about ten intervals. */
const SHARE = 0.1

/** Plain values that it takes in a row of a table. */
export const REGULARITY_VALUES = 4

/**
 * Notes a contact at `ts` and tells how many there have been so far, when they come at regular intervals: beacons
 * keep an interval with some jitter (MITRE ATT&CK T1071; Hu et al. 2016, BAYWATCH). Late flows are left out.
 *
 * @param at first of the REGULARITY_VALUES plain values of the row
 * @returns contacts; 0 while there are too few or they are irregular
 */
export function regularContacts(table: DecayTable, row: number, at: number, ts: number): number {
  const [CONTACTS, LAST, MEAN, VARIANCE] = [at, at + 1, at + 2, at + 3]
  let contacts = table.get(row, CONTACTS)
  let mean = table.get(row, MEAN)
  let variance = table.get(row, VARIANCE)
  const interval = ts - table.get(row, LAST)
  if (contacts === 0 || interval >= ONE_CONTACT) {
    if (contacts > 0) {
      const share = Math.max(1 / contacts, SHARE)
      const off = interval - mean
      mean += share * off
      variance = (1 - share) * (variance + share * off * off)
      table.set(row, MEAN, mean)
      table.set(row, VARIANCE, variance)
    }
    table.set(row, CONTACTS, ++contacts)
    table.set(row, LAST, ts)
  }
  return contacts >= FEWEST && variance < (SPREAD * mean) ** 2 ? contacts : 0
}
