import { CommanderError } from 'commander'

/** A command line that asks for something that does not exist or does not fit together; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** An error the user has been told about already. */
export class Reported extends Error {
  override readonly name = 'Reported'

  constructor(cause: unknown) {
    super('reported', { cause })
  }
}

/** Errors of which the message was written for the user, and what they mean for the exit code. */
const SPOKEN: Readonly<Record<string, number>> = {
  UsageError: 2,
  OptionError: 2,
  ConfigError: 2,
  CommanderError: 2,
  InvalidArgumentError: 2,
  InputError: 1,
  OutputError: 1,
  ModelFormatError: 1,
  AccessError: 1,
  StoreError: 1,
  RangeError: 1,
  Error: 1,
}

/** Longest message shown, characters. */
const LONGEST = 600

/**
 * Reports an error on one line and returns the exit code. With `json` the line is the one JSON document
 * on standard output: `{"error":{"type":…,"message":…}}`.
 */
export function fail(error: unknown, json: boolean): number {
  const cause = error instanceof Reported ? error.cause : error
  const { type, message } = errorJson(cause)
  if (json) {
    if (cause === error) process.stdout.write(`${JSON.stringify({ error: { type, message } })}\n`)
  } else {
    process.stderr.write(`motewatch: ${message}\n`)
  }
  if (process.env.MOTEWATCH_DEBUG) process.stderr.write(`${(cause as Error)?.stack ?? cause}\n`)
  return SPOKEN[type] ?? 1
}

/** An error as a type and one line. */
export function errorJson(error: unknown): { type: string; message: string } {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  const type = error instanceof CommanderError ? 'UsageError' : name
  let line = message
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .trim()
  if (error instanceof CommanderError && error.code === 'commander.excessArguments') {
    line = `${line.replace(/^too many arguments.* got \d+: (.*)\.$/, 'unexpected "$1"')}; files are given with --input`
  }
  if (line.length > LONGEST) line = `${line.slice(0, LONGEST)}…`
  if (type in SPOKEN) return { type, message: line }
  return { type, message: `${line || name} (unexpected; MOTEWATCH_DEBUG=1 shows where)` }
}
