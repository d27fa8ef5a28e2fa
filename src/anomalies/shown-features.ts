import type { FeatureSpec } from '../features/feature-columns.ts'
import type { FeatureSpace } from '../features/feature-space.ts'

/** A feature as a person sees it: the members of a one-hot group, or the sine and cosine of an hour, are one. */
export interface ShownFeature {
  readonly name: string
  readonly spec: FeatureSpec
  /** A matrix column that stands for it. */
  readonly column: number
}

/** The features of a space as a person sees them, and which one each matrix column is of. */
export function shownFeatures(space: FeatureSpace): { shown: readonly ShownFeature[]; of: Int32Array } {
  const names = space.specs.map(
    (spec) => spec.group ?? (spec.cycle ? spec.name.replace(/_(sin|cos)$/, '') : spec.name),
  )
  const distinct = [...new Set(names)]
  const shown = distinct.map((name) => {
    const column = names.indexOf(name)
    return { name, spec: space.specs[column]!, column }
  })
  return { shown, of: Int32Array.from(names, (name) => distinct.indexOf(name)) }
}
