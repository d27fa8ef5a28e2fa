import { stripVTControlCharacters, styleText } from 'node:util'
import { type Logger, pino } from 'pino'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** Names of pino's levels. */
const LEVELS: Readonly<Record<number, string>> = {
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** One JSON object a line on standard error; a readable line where that is a terminal. */
export function createLog(level: LogLevel): Logger {
  const stream = {
    write: (line: string) => void process.stderr.write(process.stderr.isTTY ? pretty(line) : line),
  }
  return pino({ level, timestamp: pino.stdTimeFunctions.isoTime, base: undefined, redact: SECRETS }, stream)
}

/** What never gets into a log. */
const SECRETS = ['req.headers.authorization', 'req.headers.cookie', 'password', 'token']

/** `12:03:04 info  listening  url=http://…`: for people, never for programs. */
export function pretty(line: string): string {
  let entry: Record<string, unknown>
  try {
    entry = JSON.parse(line)
  } catch {
    return line
  }
  const { time, level, msg, ...rest } = entry
  const name = LEVELS[Number(level)] ?? String(level)
  const colour = name === 'info' ? 'green' : name === 'debug' ? 'dim' : name === 'warn' ? 'yellow' : 'red'
  const values = Object.entries(rest).map(([key, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return styleText('dim', `${key}=`) + safe(text ?? '')
  })
  const head = `${styleText('dim', String(time).slice(11, 19))} ${styleText(colour, name.padEnd(5))}`
  return `${[`${head} ${safe(String(msg ?? ''))}`, ...values].join('  ')}\n`
}

/** Without what could drive a terminal. */
function safe(text: string): string {
  return stripVTControlCharacters(text)
}
