/** Garbage is looked through after so many MB, and the heap kept near what it needs: V8 otherwise uses what there is. */
const LESS_GARBAGE = ['--max-semi-space-size=4', '--max-old-space-size=1536']

/**
 * How glibc keeps native memory: two pools (it makes eight a core, each of which keeps what it once had), and arrays
 * from 32 KiB on (a column of a batch has 64) apart from them, so that these go back to the system as soon as nobody needs them. Left to itself it
 * raises that bound with the largest array it has seen, and what lies between those that stay is never given back.
 */
const LESS_KEPT = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '32768' }

/**
 * Begins this process anew with settings that keep a service of several threads small, where the system can do that.
 * Returns where that was done before, or cannot be.
 */
export function becomeFrugal(): void {
  const { platform, env, execArgv, execPath, argv, execve } = process
  if (platform !== 'linux' || env.MALLOC_ARENA_MAX !== undefined || !execve) return
  execve(execPath, [execPath, ...execArgv, ...LESS_GARBAGE, ...argv.slice(1)], { ...env, ...LESS_KEPT })
}
