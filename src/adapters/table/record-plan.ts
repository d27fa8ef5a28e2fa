import type { ReadReport } from '../read-report.ts'
import type { TablePlan } from './plan-table.ts'

/** Writes into the report what a table is and how its columns map. */
export function recordPlan(report: ReadReport, plan: TablePlan): void {
  report.dialect = plan.dialect
  for (const note of plan.notes) report.note(note)
  for (const binding of plan.bindings) {
    const metric = 'metric' in binding ? binding.metric : undefined
    report.mapping.set(binding.field ?? metric ?? binding.source, binding.source)
  }
  report.unmapped.push(...plan.unmapped)
}
