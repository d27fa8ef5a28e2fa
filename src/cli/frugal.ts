/** Garbage is looked through after so many MB, and the heap kept near what it needs: V8 otherwise uses what there is. */
const LESS_GARBAGE = ['--max-semi-space-size=4', '--max-old-space-size=1536']

/**
 * Begins this process anew with settings that keep a service of several threads small, where the system can do that:
 * few pools of native memory (glibc makes eight a core, each of which keeps what it once had), and little garbage.
 * Returns where that was done before, or cannot be.
 */
export function becomeFrugal(): void {
  const { platform, env, execArgv, execPath, argv, execve } = process
  if (platform !== 'linux' || env.MALLOC_ARENA_MAX !== undefined || !execve) return
  execve(execPath, [execPath, ...execArgv, ...LESS_GARBAGE, ...argv.slice(1)], {
    ...env,
    MALLOC_ARENA_MAX: '2',
  })
}
