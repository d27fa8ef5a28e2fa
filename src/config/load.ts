import { readFileSync } from 'node:fs'
import { LineCounter, parseDocument } from 'yaml'
import type { z } from 'zod'
import { Config } from './config.ts'
import { type Setting, settings } from './settings.ts'

/** Something in the configuration is wrong; the message says where and what was expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

/** The file that is read when none is named. */
const STANDARD_FILE = 'motewatch.yaml'

/** What is in force and where each value came from. */
export interface LoadedConfig {
  readonly config: Config
  /** Path of a setting (`access.sessionHours`) -> `motewatch.yaml:3`, `MOTEWATCH_PORT`, `--port`; default when absent. */
  readonly origins: ReadonlyMap<string, string>
}

/** Where values come from, later ones above earlier ones: the file, the environment, options of the command line. */
export interface Sources {
  /** YAML; `motewatch.yaml` of the working folder, where there is one, when left out. */
  readonly file?: string | undefined
  readonly env?: Readonly<Record<string, string | undefined>>
  /** By path of the setting. */
  readonly options?: Readonly<Record<string, unknown>>
}

/** Name of an option -> path of its setting, where they differ. */
const OPTION_NAMES: Readonly<Record<string, string>> = { 'access.adminPasswordFile': '--admin-password-file' }

/**
 * Puts the configuration together and checks it.
 *
 * @throws ConfigError naming every wrong value with its place
 */
export async function loadConfig({
  file,
  env = process.env,
  options = {},
}: Sources = {}): Promise<LoadedConfig> {
  const origins = new Map<string, string>()
  const value = readFile(file ?? env.MOTEWATCH_CONFIG, origins)
  for (const setting of settings) {
    const text = fromEnvironment(setting, env)
    if (text === undefined) continue
    put(value, setting.path, parsed(text.value, setting))
    origins.set(setting.path, text.variable)
  }
  for (const [path, given] of Object.entries(options)) {
    if (given === undefined) continue
    put(value, path, given)
    origins.set(path, OPTION_NAMES[path] ?? `--${path}`)
  }
  const result = Config.safeParse(value)
  if (result.success) return { config: result.data, origins }
  throw new ConfigError(result.error.issues.flatMap((issue) => explained(issue, value, origins)).join('; '))
}

/** The file as an object; notes the line of each value. */
function readFile(path: string | undefined, origins: Map<string, string>): Record<string, unknown> {
  const name = path ?? STANDARD_FILE
  let text: string
  try {
    text = readFileSync(name, 'utf8')
  } catch (error) {
    if (path === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new ConfigError(`${name}: cannot be read: ${(error as Error).message}`)
  }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const [broken] = document.errors
  if (broken) throw new ConfigError(`${name} is not YAML: ${broken.message.split('\n')[0]}`)
  const value: unknown = document.toJS() ?? {}
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw new ConfigError(`${name} expects lines like "port: 5000", got ${JSON.stringify(value)}`)
  }
  for (const path of pathsOf(value as Record<string, unknown>)) {
    const node = document.getIn(path.split('.'), true) as { range?: [number, number, number] } | undefined
    const line = node?.range ? `:${lines.linePos(node.range[0]).line}` : ''
    origins.set(path, name + line)
  }
  return value as Record<string, unknown>
}

/** `access.sessionHours` for every value that is no object. */
function pathsOf(value: Record<string, unknown>, parent = ''): string[] {
  return Object.entries(value).flatMap(([key, inner]) => {
    const path = parent + key
    return typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? [path, ...pathsOf(inner as Record<string, unknown>, `${path}.`)]
      : [path]
  })
}

/** The variable itself, or the content of the file that `…_FILE` names, as secrets are handed to containers. */
function fromEnvironment(
  { variable }: Setting,
  env: NonNullable<Sources['env']>,
): { variable: string; value: string } | undefined {
  const value = env[variable]
  if (value !== undefined && value !== '') return { variable, value }
  const file = env[`${variable}_FILE`]
  if (file === undefined || file === '') return undefined
  try {
    return { variable: `${variable}_FILE`, value: readFileSync(file, 'utf8').trim() }
  } catch (error) {
    throw new ConfigError(`${variable}_FILE: ${file} cannot be read: ${(error as Error).message}`)
  }
}

/** Text of an environment variable as the kind of value that the setting has; left as it is where it does not fit. */
function parsed(text: string, { kind }: Setting): unknown {
  if (kind === 'number' && /^[-+\d.e]+$/i.test(text)) return Number(text)
  if (kind === 'boolean' && /^(true|1|yes|on)$/i.test(text)) return true
  if (kind === 'boolean' && /^(false|0|no|off)$/i.test(text)) return false
  if (kind === 'list') return text.split(',').map((item) => item.trim())
  return text
}

function put(target: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split('.')
  const last = keys.pop()!
  let inner = target
  for (const key of keys) {
    const next = inner[key]
    if (typeof next !== 'object' || next === null) inner[key] = {}
    inner = inner[key] as Record<string, unknown>
  }
  inner[last] = value
}

function explained(issue: z.core.$ZodIssue, value: unknown, origins: LoadedConfig['origins']): string[] {
  const path = issue.path.map(String).join('.')
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const full = path === '' ? key : `${path}.${key}`
      return `${place(full, origins)}is no setting; motewatch config shows all of them`
    })
  }
  const got = issue.path.reduce<unknown>(
    (v, key) => (v as Record<PropertyKey, unknown> | undefined)?.[key],
    value,
  )
  const setting = settings.find((s) => path === s.path || path.startsWith(`${s.path}.`))
  const shown = setting?.secret ? '' : `, got ${JSON.stringify(got) ?? 'nothing'}`
  const about = setting ? ` (${setting.description})` : ''
  const message = issue.message.replace(/^Invalid input: /, '').replace(/, received .*$/, '')
  return [`${place(path, origins)}${message}${shown}${about}`]
}

/** `motewatch.yaml:3: port: ` */
function place(path: string, origins: LoadedConfig['origins']): string {
  const origin =
    origins.get(path) ?? [...origins].findLast(([known]) => path.startsWith(`${known}.`))?.[1] ?? ''
  return `${origin}${origin ? ': ' : ''}${path} `
}
