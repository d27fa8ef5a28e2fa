import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

let collect: (() => void) | undefined

/**
 * Gives back at once what this thread does not need any more. Typed arrays and kernels' memories lie outside of
 * JavaScript's heap, which stays small beside them: left to itself the collector lets a hundred megabytes of them pile
 * up. It takes about a millisecond a megabyte of heap, so it is for work that goes on for seconds, between its stages.
 */
export function collectGarbage(): void {
  if (!collect) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
}
