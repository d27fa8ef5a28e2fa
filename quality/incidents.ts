/**
 * How well incidents gather what belongs together: an attack's flows become few incidents, and those hold nothing of
 * another attack. Over the IoT-23 captures that are present (Garcia, Parmisano & Erquiaga 2020); the bar is for 34-1,
 * whose 14,394 DDoS flows go to two victims beside a C&C channel.
 */
import { captures, familyOf, foundIn, type Row } from './found.ts'
import { noData, verdict } from './verdict.ts'

const BAR = 5

export async function run(): Promise<void> {
  const logs = captures()
  if (logs.length === 0) return noData('incidents', 'iot23')
  console.log('capture  family      flows found  incidents  of these mixed with another family')
  let judged = false
  for (const { name, log } of logs) {
    const { rows } = await foundIn(log)
    const families = [...new Set(rows.map((row) => familyOf(row.label)))].filter((f) => f !== undefined)
    for (const family of families) {
      const mine = rows.filter((row) => familyOf(row.label) === family)
      const ids = new Set(mine.map((row) => row.incident))
      const mixed = mixedWith(rows, ids, family)
      console.log(
        `${name.padEnd(8)} ${family.padEnd(11)} ${String(mine.length).padStart(11)}  ${String(ids.size).padStart(9)}  ${mixed.size}`,
      )
      if (name !== '34-1' || family !== 'flood') continue
      judged = true
      verdict({
        name: 'incidents',
        figure: `34-1: ${mine.length} DDoS flows in ${ids.size} incidents, ${mixed.size} of them with flows of another attack`,
        bar: `at most ${BAR} incidents, none mixed`,
        met: ids.size <= BAR && mixed.size === 0,
      })
    }
  }
  if (!judged) noData('incidents', 'iot23/34-1')
}

/** Which of the incidents hold flows of another family too. */
function mixedWith(rows: readonly Row[], ids: ReadonlySet<number>, family: string): Set<number> {
  const others = rows.filter(({ incident, label }) => {
    const other = familyOf(label)
    return other !== undefined && other !== family && ids.has(incident)
  })
  return new Set(others.map((row) => row.incident))
}
