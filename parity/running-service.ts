import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const main = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts')

/** `motewatch serve` in a process of its own. */
export interface RunningService {
  readonly url: string
  readonly process: ChildProcess
  /** Ends it, as a person would. */
  stop(): Promise<void>
  /** Ends it without warning. */
  kill(): Promise<void>
}

/**
 * Starts the service in `folder` and waits until it answers.
 *
 * @param log file that its output is added to
 * @param settings environment variables
 * @throws Error when it ends, or does not answer within a minute
 */
export async function startProcess(
  folder: string,
  database: string,
  port: number,
  log: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<RunningService> {
  const output = openSync(log, 'a')
  const child = spawn(process.execPath, [main, 'serve', '--port', String(port), '--database', database], {
    cwd: folder,
    stdio: ['ignore', output, output],
    env: { ...process.env, MOTEWATCH_SAMPLE: 'false', MOTEWATCH_LOG: 'warn', ...settings },
  })
  const url = `http://127.0.0.1:${port}`
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
  }
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}; see ${log}`)
    const answer = await fetch(`${url}/healthz`).catch(() => undefined)
    if (answer?.ok) break
    if (tries > 2400) {
      await end('SIGKILL')
      throw new Error(`the service did not answer within a minute; see ${log}`)
    }
    await pause(25)
  }
  return { url, process: child, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

/** The number after `--name` on the command line. */
export function numberOption(name: string, standard: number): number {
  const at = process.argv.indexOf(`--${name}`)
  if (at < 0) return standard
  const value = Number(process.argv[at + 1])
  if (!(value > 0)) throw new Error(`--${name} expects a number above 0, got ${process.argv[at + 1]}`)
  return value
}
