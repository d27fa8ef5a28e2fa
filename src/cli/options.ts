import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseAcceptedAlarms } from '../pipeline/alarms.ts'
import {
  DEFAULT_READINGS_THRESHOLD,
  DEFAULT_THRESHOLD,
  MODEL_CHOICES,
  type ModelChoice,
} from '../pipeline/options.ts'

/** How to read the input: the same for every command that reads. */
export interface InputOptions {
  input?: string[]
  adapter?: string
  map?: string
  json?: true
}

/** Adds `--input`, `--adapter`, `--map` and `--json`. */
export function inputOptions(command: Command): Command {
  return command
    .option(
      '-i, --input <path...>',
      'files or folders to read, "-" for standard input; may be repeated',
      collect,
    )
    .option('--adapter <name>', 'how to read them; recognised by content when left out')
    .option('--map <file>', 'YAML that says which column is what, for example "orig_h: source address"')
    .option('--json', 'print one JSON document on standard output and nothing else')
}

/** Adds `--local` and `--workers`. */
export function scoringOptions(command: Command): Command {
  return command
    .option('--local <cidr,...>', 'local networks, default the private ranges', cidrs)
    .option('--workers <n>', 'threads; default one a core', wholeNumber(1, 1024))
}

/** What a command that scores with trained models is told. */
export interface TrainedOptions extends InputOptions {
  models: string
  model?: ModelChoice
  threshold?: number
  local?: string[]
  workers?: number
}

/** Adds everything of {@link TrainedOptions}. */
export function trainedOptions(command: Command): Command {
  scoringOptions(inputOptions(command)).option(
    '--models <folder>',
    'folder with the trained models',
    'models/',
  )
  return thresholdOption(command).addOption(
    modelOption('which of the trained models decide; all of them when left out'),
  )
}

export function thresholdOption(command: Command): Command {
  return command.option(
    '--threshold <confidence>',
    `confidence from which a record is an anomaly, 0 to 1 (default: that of train --false-alarms, else ${DEFAULT_THRESHOLD} for flows, ${DEFAULT_READINGS_THRESHOLD} for readings)`,
    between(0, 1),
  )
}

export function modelOption(text: string): Option {
  return new Option('--model <name>', text).choices(MODEL_CHOICES)
}

/** A variadic option that may also be repeated. */
function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value]
}

function cidrs(value: string): string[] {
  const list = value.split(',').map((s) => s.trim())
  for (const cidr of list) {
    if (!/^([\d.]+|[\da-fA-F:.]+)\/\d{1,3}$/.test(cidr)) {
      throw new InvalidArgumentError(`Networks look like 192.168.0.0/16 or fd00::/8, "${cidr}" does not.`)
    }
  }
  return list
}

export function wholeNumber(low: number, high = Number.MAX_SAFE_INTEGER): (value: string) => number {
  return (value) => {
    const n = Number(value)
    if (!/^-?\d+$/.test(value) || n < low || n > high) {
      const range = high === Number.MAX_SAFE_INTEGER ? `from ${low} up` : `from ${low} to ${high}`
      throw new InvalidArgumentError(`A whole number ${range} is needed.`)
    }
    return n
  }
}

/** A number in [low, high] or, with `open`, in (low, high]. */
export function between(low: number, high: number, open = false): (value: string) => number {
  return (value) => {
    const n = Number(value)
    if (value.trim() === '' || !(open ? n > low : n >= low) || !(n <= high)) {
      throw new InvalidArgumentError(
        `A number ${open ? 'above' : 'from'} ${low} ${open ? 'and at most' : 'to'} ${high} is needed.`,
      )
    }
    return n
  }
}

/** `50%` or `0.5` as a fraction in (0, 1]. */
export function share(value: string): number {
  const n = value.endsWith('%') ? Number(value.slice(0, -1)) / 100 : Number(value)
  if (!(n > 0 && n <= 1)) {
    throw new InvalidArgumentError('A share above 0 and at most 100% is needed, for example 50%.')
  }
  return n
}

/** `1/device-day`, checked. */
export function acceptedAlarms(value: string): string {
  try {
    return parseAcceptedAlarms(value).text
  } catch {
    throw new InvalidArgumentError(
      'A number and a time are needed, for example 1/device-day, 1/device-week or, for all devices together, 3/day.',
    )
  }
}

/** `a,b,c` as a list. */
export function names(value: string): string[] {
  return value
    .split(',')
    .map((s) => s.trim())
    .filter((s) => s !== '')
}
