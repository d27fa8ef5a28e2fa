/** Steps that put state back as it was before a look ahead, in the order in which it was changed. */
export type Undo = (() => void)[]

/** Takes all steps back, the last one first. */
export function rollBack(undo: Undo): void {
  for (let step = undo.pop(); step; step = undo.pop()) step()
}
