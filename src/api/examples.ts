import { z } from 'zod'

/** A value that a schema takes, for the documentation: the example it names, else one made of those of its parts. */
export function exampleOf(schema: z.ZodType): unknown {
  const [named] = (schema.meta()?.examples as readonly unknown[] | undefined) ?? []
  if (named !== undefined) return named
  if (schema instanceof z.ZodObject) {
    const fields = Object.entries(schema.shape as Record<string, z.ZodType>)
      .map(([name, field]) => [name, exampleOf(field)] as const)
      .filter(([, value]) => value !== undefined)
    return Object.fromEntries(fields)
  }
  if (schema instanceof z.ZodArray) {
    const item = exampleOf(schema.element as z.ZodType)
    return item === undefined ? [] : [item]
  }
  if (schema instanceof z.ZodNullable) return exampleOf(schema.unwrap() as z.ZodType) ?? null
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) {
    return exampleOf(schema.unwrap() as z.ZodType)
  }
  if (schema instanceof z.ZodPipe) {
    const { in: from, out: to } = schema.def
    return exampleOf((from instanceof z.ZodTransform ? to : from) as z.ZodType)
  }
  if (schema instanceof z.ZodUnion) return exampleOf(schema.options[0] as z.ZodType)
  if (schema instanceof z.ZodEnum) return schema.options[0]
  if (schema instanceof z.ZodLiteral) return schema.value
  if (schema instanceof z.ZodRecord) return {}
  if (schema instanceof z.ZodNull) return null
  if (schema instanceof z.ZodBoolean) return true
  if (schema instanceof z.ZodNumber)
    return schema.minValue !== null && schema.minValue > 1 ? schema.minValue : 1
  if (schema instanceof z.ZodString) return 'text'
  return undefined
}
