import { abortOutputs } from '../output/sink.ts'

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const

let handled = false
let pipeMayEnd = false

/**
 * From now on an interrupted run leaves no half-written file. Commands call it before they open one: until
 * then the system's own way is better, since it also stops a program that is deep in a computation.
 */
export function cleanUpWhenInterrupted(): void {
  if (handled) return
  handled = true
  for (const [signal, code] of SIGNALS) {
    process.on(signal, () => {
      if (signal === 'SIGINT' && pipeMayEnd) {
        pipeMayEnd = false
        process.stderr.write('motewatch: finishing with what was read; Ctrl-C again to stop\n')
        return
      }
      abortOutputs()
      process.exit(code)
    })
  }
}

/**
 * Lets a first Ctrl-C pass when standard input is read: in `tcpdump … | motewatch …` it reaches both, tcpdump
 * ends the capture, and what came until then is to be finished, not thrown away. A second one stops.
 */
export function finishPipeWhenInterrupted(): void {
  cleanUpWhenInterrupted()
  pipeMayEnd = true
}
