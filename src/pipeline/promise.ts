import { Calibration, confidenceOf, evidenceAt } from '../models/calibration.ts'
import { combine, withNews } from '../models/ensemble.ts'
import type { AlarmPromise, TrainingSummary } from '../store/model-bundle.ts'
import {
  type AcceptedAlarms,
  type AlarmLine,
  alarmLine,
  type HeldOut,
  heldOutPart,
  measureAlarms,
} from './alarms.ts'
import { DEFAULT_THRESHOLD } from './options.ts'

/** Rows that models did not know, without the evidence against them. */
export type HeldOutRows = Omit<HeldOut, 'evidence'>

/** The evidence against them: of each model, and of news where they are readings in time. */
export interface HeldOutEvidence {
  readonly state: readonly Float64Array[]
  readonly news: Float64Array | undefined
}

/**
 * Promise against measurement: the combination is calibrated on the first half of the calibration rows and its
 * alarms are counted on the second half, which is later still.
 */
export function measuredAlarms(
  evidence: HeldOutEvidence,
  heldOut: HeldOutRows,
  contamination: number,
): TrainingSummary['alarms'] {
  const later = secondHalf(evidence, heldOut)
  if (!later) return []
  return [0.5, 0.7, DEFAULT_THRESHOLD, 0.8, 0.9].map((threshold) => {
    const least = evidenceAt(threshold, contamination)
    const measured = later.rows.evidence.filter((e) => e >= least).length / later.rows.evidence.length
    const { perDeviceDay } = measureAlarms(later.rows, least)
    return { threshold, p: 10 ** -least, measured, perDeviceDay: orNull(perDeviceDay) }
  })
}

/** The second half of the calibration rows, judged by a calibration on the first; and the first by itself. */
function secondHalf(
  evidence: HeldOutEvidence,
  heldOut: HeldOutRows,
): { rows: HeldOut; before: HeldOut } | undefined {
  const combined = combine(evidence.state)
  const half = combined.length >> 1
  if (half < Calibration.fewest) return undefined
  const calibration = Calibration.fit(combined.subarray(0, half), 'evidence')
  const all = { ...heldOut, evidence: together(calibration.evidence(combined), evidence.news, half) }
  return { before: heldOutPart(all, 0, half), rows: heldOutPart(all, half, combined.length) }
}

/**
 * The threshold for the accepted false alarms, and how it would have done: found on the first half of the
 * calibration rows, counted on the second.
 */
export function promised(
  evidence: HeldOutEvidence,
  heldOut: HeldOutRows,
  accepted: AcceptedAlarms,
  contamination: number,
): AlarmPromise {
  const { state, news } = evidence
  const combined = combine(state)
  const ensemble = Calibration.fit(combined, 'evidence')
  // A single model is not calibrated twice.
  const calibrated = state.length > 1 ? ensemble.evidence(combined) : combined
  const rows = { ...heldOut, evidence: together(calibrated, news, ensemble.n) }
  const devices = new Set(heldOut.device).size
  const perDeviceDay = accepted.alarms / accepted.days / (accepted.each ? 1 : devices)
  const line: AlarmLine = alarmLine(rows, perDeviceDay)
  const threshold = legible(confidenceOf(Math.min(line.evidence, ensemble.ceiling), contamination))
  const least = evidenceAt(threshold, contamination)
  const { deviceDays } = measureAlarms(rows, least)
  const halves = secondHalf(evidence, heldOut)
  const before =
    halves && measureAlarms(halves.before, 0).deviceDays > 0 && alarmLine(halves.before, perDeviceDay)
  return {
    accepted: accepted.text,
    perDeviceDay,
    threshold,
    p: 10 ** -least,
    days: (rows.ts.at(-1)! - rows.ts[0]!) / 86_400,
    deviceDays,
    measured: before ? orNull(measureAlarms(halves.rows, before.evidence).perDeviceDay) : null,
    extrapolated: line.extrapolated,
  }
}

function together(state: Float64Array, news: Float64Array | undefined, n: number): Float64Array {
  return news ? withNews(state, news, n) : state
}

/** A threshold not lower than this one, with two digits that tell it from 1. */
function legible(threshold: number): number {
  const digits = Math.min(15, 1 + Math.ceil(-Math.log10(1 - threshold)))
  const up = Number((Math.ceil(threshold * 10 ** digits) / 10 ** digits).toFixed(digits))
  return up < 1 ? up : threshold
}

/** What weakens the promise. */
export function doubts({ accepted, perDeviceDay, deviceDays, days, measured }: AlarmPromise): string[] {
  const doubts: string[] = []
  const expected = perDeviceDay * deviceDays
  if (expected < 3) {
    doubts.push(
      `asked for ${accepted} false alarms from ${hours(days)} of held-out records (${deviceDays.toPrecision(2)} device-days): that is ${expected.toPrecision(2)} alarms, too few to be counted; the promise rests on the tail of p. training on ${Math.ceil((3 / expected) * days * 1.25 * 10) / 10} days would support it`,
    )
  }
  if (measured !== null && measured > 2 * perDeviceDay && measured * deviceDays > 4) {
    doubts.push(
      `asked for ${accepted} false alarms, but the second half of the training data would have had ${measured.toPrecision(2)} a device-day: its normal changes; train on a longer time`,
    )
  }
  return doubts
}

function hours(days: number): string {
  return days < 2 ? `${Number((24 * days).toPrecision(2))} h` : `${Number(days.toPrecision(2))} days`
}

function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null
}
