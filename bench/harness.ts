import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
/** Where peers and large inputs are kept between runs. */
export const cache = join(root, '.cache')

/**
 * A Python interpreter that can import `packages` (pip names), in a virtual environment made on first use.
 * Says why and returns undefined when that is not possible here.
 */
export async function python(packages: readonly string[]): Promise<string | undefined> {
  const venv = join(cache, 'venv')
  const interpreter = join(venv, 'bin', 'python')
  try {
    mkdirSync(cache, { recursive: true })
    if (!existsSync(interpreter)) execFileSync('python3', ['-m', 'venv', venv], { stdio: 'pipe' })
    const installed = execFileSync(interpreter, ['-m', 'pip', 'list', '--format=freeze'], {
      encoding: 'utf8',
    })
    const have = new Set(installed.split('\n').map((line) => line.split('==')[0]!.toLowerCase()))
    const missing = packages.filter((p) => !have.has(p.split('==')[0]!.toLowerCase()))
    if (missing.length > 0) {
      process.stderr.write(`installing ${missing.join(', ')} into ${venv}\n`)
      execFileSync(interpreter, ['-m', 'pip', 'install', '-q', ...missing], {
        stdio: ['ignore', 'ignore', 'inherit'],
      })
    }
    return interpreter
  } catch (error) {
    process.stderr.write(`no Python peer (${packages.join(', ')}): ${(error as Error).message}\n`)
    return undefined
  }
}

/** Makes sure `command` is there, installing Debian's package `pkg` when it is not; says why it can't. */
export function debian(command: string, pkg: string): boolean {
  const found = () => {
    try {
      execFileSync('which', [command], { stdio: 'pipe' })
      return true
    } catch {
      return false
    }
  }
  if (found()) return true
  try {
    process.stderr.write(`installing Debian package ${pkg}\n`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    execFileSync('apt-get', ['update', '-q'], { stdio: 'ignore', env })
    execFileSync('apt-get', ['install', '-qy', pkg], { stdio: 'ignore', env })
    return found()
  } catch (error) {
    process.stderr.write(`no peer ${command}: ${(error as Error).message}\n`)
    return false
  }
}

/** What one run of a command gave. */
export interface Run {
  readonly stdout: string
  readonly seconds: number
  /** Peak resident set, MB (10^6 bytes), of the process and its largest child, by /usr/bin/time where present. */
  readonly peakMB: number
  readonly code: number
}

/** Runs a command once, its standard output collected, wall time and peak memory measured. */
export function once(
  command: string,
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv; cores?: number } = {},
): Promise<Run> {
  const time = existsSync('/usr/bin/time')
  const pin = options.cores ? ['taskset', '-c', options.cores === 1 ? '0' : `0-${options.cores - 1}`] : []
  const line = [...(time ? ['/usr/bin/time', '-f', 'PEAK_KB=%M'] : []), ...pin, command, ...args]
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const child = spawn(line[0]!, line.slice(1), { env: { ...process.env, ...options.env } })
    const stdout: Buffer[] = []
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk
    })
    child.on('error', reject)
    child.on('close', (code) => {
      const peak = /PEAK_KB=(\d+)/.exec(stderr)
      if (code !== 0) process.stderr.write(stderr)
      resolve({
        stdout: Buffer.concat(stdout).toString(),
        seconds: (performance.now() - started) / 1000,
        peakMB: peak ? (Number(peak[1]) * 1024) / 1e6 : Number.NaN,
        code: code ?? 1,
      })
    })
    child.stdin.end(options.input ?? '')
  })
}

/** Median seconds of `runs` calls of `f` after one warm-up call. */
export async function median(f: () => unknown, runs = 5): Promise<number> {
  await f()
  const times: number[] = []
  for (let i = 0; i < runs; i++) {
    const started = performance.now()
    await f()
    times.push((performance.now() - started) / 1000)
  }
  return times.sort((a, b) => a - b)[Math.floor(runs / 2)]!
}

let short = 0

/**
 * Prints `NAME: <our figure> vs <peer> <its figure>, ratio R, bar B: met|short`.
 *
 * @param ratio how many times better we are (peer / ours for times)
 * @param met whether the bar was reached
 */
export function verdict(v: {
  name: string
  ours: string
  peer: string
  theirs: string
  ratio: number
  bar: string
  met: boolean
}): void {
  if (!v.met) short++
  console.log(
    `${v.name}: ${v.ours} vs ${v.peer} ${v.theirs}, ratio ${v.ratio.toFixed(2)}, bar ${v.bar}: ${v.met ? 'met' : 'short'}`,
  )
}

/** How many verdicts fell short so far. */
export function shortCount(): number {
  return short
}
