import { z } from 'zod'
import { Config } from './config.ts'

/** One setting: a value of the configuration that is no group of others. */
export interface Setting {
  /** `access.sessionHours` */
  readonly path: string
  /** `MOTEWATCH_ACCESS_SESSION_HOURS` */
  readonly variable: string
  readonly kind: 'text' | 'number' | 'boolean' | 'list'
  readonly description: string
  readonly secret: boolean
}

/** Every setting, in the order of the schema. */
export const settings: readonly Setting[] = settingsOf(Config, '')

function settingsOf(schema: z.ZodObject, parent: string): Setting[] {
  return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([key, field]) => {
    const inner = unwrapped(field)
    const path = parent + key
    if (inner instanceof z.ZodObject) return settingsOf(inner, `${path}.`)
    const { description = '', secret = false } = (field.meta() ?? {}) as {
      description?: string
      secret?: boolean
    }
    const variable = `MOTEWATCH_${path.replaceAll(/[A-Z]/g, '_$&').replaceAll('.', '_').toUpperCase()}`
    return [{ path, variable, kind: kindOf(inner), description, secret }]
  })
}

/** Without default, optional and the like. */
function unwrapped(schema: z.ZodType): z.ZodType {
  const { innerType } = schema.def as { innerType?: z.ZodType }
  return innerType ? unwrapped(innerType) : schema
}

function kindOf(schema: z.ZodType): Setting['kind'] {
  if (schema instanceof z.ZodNumber) return 'number'
  if (schema instanceof z.ZodBoolean) return 'boolean'
  return schema instanceof z.ZodArray ? 'list' : 'text'
}
