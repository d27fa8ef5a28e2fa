import { stringify } from 'yaml'
import type { LoadedConfig } from './load.ts'
import { type Setting, settings } from './settings.ts'

/** A setting as it is in force. */
export interface ShownSetting {
  readonly value: unknown
  /** `default`, `motewatch.yaml:3`, `MOTEWATCH_PORT`. */
  readonly from: string
}

/** Every setting by its path; secrets without what must not be known. */
export function shownConfig({ config, origins }: LoadedConfig): Record<string, ShownSetting> {
  const entries = settings.map((setting): [string, ShownSetting] => {
    const value = setting.path
      .split('.')
      .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], config)
    return [setting.path, { value: hidden(setting, value), from: origins.get(setting.path) ?? 'default' }]
  })
  return Object.fromEntries(entries)
}

/** Secrets, and passwords in URLs, are stars. */
function hidden({ secret }: Setting, value: unknown): unknown {
  if (value === undefined) return null
  if (secret) return '***'
  return typeof value === 'string' ? value.replace(/:\/\/([^:@/]*):[^@]*@/, '://$1:***@') : value
}

/** The same as a YAML file with comments. */
export function configYaml(loaded: LoadedConfig): string {
  const shown = shownConfig(loaded)
  const lines: string[] = []
  let group: string[] = []
  for (const { path, description, variable } of settings) {
    const { value, from } = shown[path]!
    const keys = path.split('.')
    const parents = keys.slice(0, -1)
    const indent = '  '.repeat(parents.length)
    if (lines.length > 0) lines.push('')
    if (parents.join('.') !== group.join('.') && parents.length > 0) lines.push(`${parents.at(-1)}:`)
    group = parents
    lines.push(`${indent}# ${description}`)
    lines.push(`${indent}# ${variable}${from === 'default' ? '' : `; now from ${from}`}`)
    const line = `${keys.at(-1)}: ${stringify(value, { collectionStyle: 'flow' }).trim()}`
    // What has no value is shown how it would be given.
    lines.push(indent + (value === null ? `# ${keys.at(-1)}:` : line))
  }
  return lines.join('\n')
}
