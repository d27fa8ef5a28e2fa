import { spawn } from 'node:child_process'
import { join } from 'node:path'

const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts')

export interface Result {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly input?: string | Uint8Array
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Called with the child once it runs. */
  readonly during?: (child: ReturnType<typeof spawn>) => void
}

/** Runs the real command line in a child process. */
export function motewatch(args: readonly string[], options: RunOptions = {}): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], {
      cwd: options.cwd,
      env: { ...process.env, MOTEWATCH_DEBUG: '', ...options.env },
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    // A child that has read enough closes the pipe.
    child.stdin.on('error', () => {})
    if (options.input !== undefined) child.stdin.write(options.input)
    if (!options.during) child.stdin.end()
    options.during?.(child)
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}

/** A Zeek conn.log of `n` flows of a few devices, 40 s apart, with a burst of odd ones at the end. */
export function connLog(n: number, odd = 0): string {
  const head = [
    '#separator \\x09',
    '#set_separator\t,',
    '#empty_field\t(empty)',
    '#unset_field\t-',
    '#path\tconn',
    '#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_bytes\thistory\torig_pkts\torig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents\tlabel',
  ]
  const rows = Array.from({ length: n }, (_, i) => {
    const device = 2 + (i % 3)
    const bytes = 200 + ((i * 37) % 90)
    const answer = 900 + ((i * 53) % 400)
    return `${1700000000 + i * 40}.${String((i * 7919) % 1_000_000).padStart(6, '0')}\tC${i}\t192.168.1.${device}\t${40000 + (i % 20000)}\t93.184.216.${34 + (i % 2)}\t443\ttcp\tssl\t${(0.1 + (i % 17) / 20).toFixed(6)}\t${bytes}\t${answer}\tSF\t-\t-\t0\tShADadFf\t8\t${bytes + 416}\t7\t${answer + 364}\t-\tbenign`
  })
  const strange = Array.from({ length: odd }, (_, i) => {
    return `${1700000000 + n * 40 + i * 0.2}\tX${i}\t192.168.1.3\t${50000 + i}\t10.66.${i % 250}.${(i * 7) % 250}\t23\ttcp\t-\t-\t-\t-\tS0\t-\t-\t0\tS\t1\t40\t0\t0\t-\tmalicious`
  })
  return `${[...head, ...rows, ...strange].join('\n')}\n`
}
