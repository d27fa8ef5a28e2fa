/**
 * A normal that changes slowly over three weeks: false alarms with and without following it, and whether attackers are found
 * as well, also those who push fast, over a day or over three days. Simulated, fixed seeds; learned from the first week.
 */
import { isBenign } from '../src/pipeline/rows.ts'
import { detect, train } from '../src/pipeline.ts'
import { stringAt } from '../src/schema/dictionary.ts'
import type { Adaptation } from '../src/schema/feedback.ts'
import { DAY, type Drifting, driftingFlows, driftingReadings } from './drifting.ts'
import { verdict } from './verdict.ts'

const SCENES: readonly (() => Drifting)[] = [
  () => driftingFlows(402, 0),
  () => driftingFlows(401, 0.01),
  () => driftingReadings(402, 0),
  () => driftingReadings(401, 0.02),
]
/** Most that recall may fall. */
const BAR = 0.01

interface Outcome {
  /** Hours in which a device had a false alarm, by week. */
  readonly hours: readonly number[]
  readonly falseAlarms: number
  readonly benign: number
  /** Records of each attack, and those found. */
  readonly attacks: ReadonlyMap<string, { rows: number; found: number }>
  readonly adaptations: readonly Adaptation[]
}

export async function run(): Promise<void> {
  const hours = { off: 0, on: 0 }
  const recall = { off: [] as number[], on: [] as number[] }
  for (const make of SCENES) {
    const scene = make()
    const { bundles } = await train(scene.inputs(0, scene.learned))
    const off = await measure(scene, bundles, false)
    const on = await measure(scene, bundles, true)
    const furthest = Math.max(0, ...on.adaptations.map(({ to }) => to))
    console.log(`${scene.name}: ${on.adaptations.length} steps, furthest ${furthest.toFixed(1)}`)
    line('not followed', off)
    line('followed', on)
    for (const [label, { rows, found }] of off.attacks) {
      const now = on.attacks.get(label)!.found
      recall.off.push(found / rows)
      recall.on.push(now / rows)
      console.log(
        `  ${label.padEnd(18)} found ${percent(found / rows)}, followed ${percent(now / rows)} of ${rows}`,
      )
    }
    hours.off += sum(off.hours)
    hours.on += sum(on.hours)
  }
  const [before, after] = [recall.off, recall.on].map((all) => sum(all) / all.length) as [number, number]
  verdict({
    name: 'drift',
    figure: `device-hours with a false alarm ${hours.off} not followed, ${hours.on} followed; mean recall ${percent(before)} not followed, ${percent(after)} followed`,
    bar: `fewer false alarms, recall at most ${percent(BAR)} lower`,
    met: hours.on < hours.off && after >= before - BAR,
  })
}

function line(name: string, { hours, falseAlarms, benign }: Outcome): void {
  const weeks = hours.map((n) => String(n).padStart(6)).join('')
  console.log(
    `  ${name.padEnd(13)} device-hours with a false alarm, by week ${weeks}; ${percent(falseAlarms / benign)} of records`,
  )
}

async function measure(
  scene: Drifting,
  bundles: Parameters<typeof detect>[1],
  drift: boolean,
): Promise<Outcome> {
  const hours = [new Set<string>(), new Set<string>(), new Set<string>()]
  const attacks = new Map<string, { rows: number; found: number }>()
  const attackOf = new Map<number, string>()
  let falseAlarms = 0
  let benign = 0
  let record = 0
  const stream = detect(scene.inputs(0, scene.end), bundles, {
    drift,
    after: { [scene.kind]: scene.learned },
    onBatch: (batch) => {
      for (let i = 0; i < batch.length; i++, record++) {
        const label = stringAt(batch.label!, i)
        if (batch.ts[i]! <= scene.learned || label === UNSURE) continue
        if (isBenign(label)) {
          benign++
          continue
        }
        const attack = stringAt(batch.detailed_label!, i)
        attackOf.set(record, attack)
        const counts = attacks.get(attack) ?? { rows: 0, found: 0 }
        counts.rows++
        attacks.set(attack, counts)
      }
    },
  })
  for (;;) {
    const next = await stream.next()
    if (next.done) {
      const { adaptations } = next.value
      return { hours: hours.map(({ size }) => size), falseAlarms, benign, attacks, adaptations }
    }
    for (const { record, device, timestamp, label } of next.value) {
      const attack = attackOf.get(record)
      if (attack !== undefined) attacks.get(attack)!.found++
      if (attack !== undefined || label === undefined || !isBenign(label)) continue
      falseAlarms++
      const week = Math.min(2, Math.floor((timestamp - scene.learned) / (7 * DAY)))
      hours[week]!.add(`${device} ${Math.floor(timestamp / 3600)}`)
    }
  }
}

/** Records of a push that are not yet what the attacker is after count neither way. */
const UNSURE = 'unsure'

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
