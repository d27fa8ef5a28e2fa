import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { IncidentBuilder } from '../incidents/incident-builder.ts'
import type { Anomaly } from '../schema/anomaly.ts'
import type { Adaptation } from '../schema/feedback.ts'
import type { Incident } from '../schema/incident.ts'

const value = z.union([z.number(), z.string()])
/** What feedback needs of an anomaly; the rest stays as it is. */
const anomalySchema = z.looseObject({
  incident: z.number(),
  record: z.number(),
  device: z.string(),
  timestamp: z.string().nullable(),
  type: z.string(),
  confidence: z.number(),
  p_value: z.number(),
  affected_features: z.array(
    z.looseObject({
      feature: z.string(),
      value,
      typical: z.union([
        z.object({ low: z.number(), high: z.number() }),
        z.object({ usual: z.array(z.string()) }),
      ]),
      contribution: z.number(),
    }),
  ),
  fields: z.record(z.string(), value),
})
const adaptationSchema = z.looseObject({
  id: z.string(),
  kind: z.enum(['flows', 'readings']),
  device: z.string(),
  from: z.number(),
  to: z.number(),
})
const documentSchema = z.object({
  anomalies: z.array(anomalySchema),
  summary: z.object({ adaptations: z.array(adaptationSchema).default([]) }).optional(),
})

/** What `detect` found, read back from its JSON. */
export class FoundFile {
  readonly #path: string
  readonly #anomalies: readonly Anomaly[]
  readonly #adaptations: readonly Adaptation[]

  private constructor(path: string, anomalies: readonly Anomaly[], adaptations: readonly Adaptation[]) {
    this.#path = path
    this.#anomalies = anomalies
    this.#adaptations = adaptations
  }

  /**
   * Reads the document of `detect --json`, or the anomalies of `detect --output` as .json or .ndjson.
   *
   * @throws Error when the file is neither
   */
  static async read(path: string): Promise<FoundFile> {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new Error(
        `${path}: cannot be read: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}`,
      )
    })
    const read = documentSchema.safeParse(documentOf(text))
    if (!read.success) {
      const [issue] = read.error.issues
      throw new Error(
        `${path} expects what \`motewatch detect --json\` or \`--output anomalies.json\` wrote; ${issue?.path.join('.') || 'the file'}: ${issue?.message}`,
      )
    }
    const anomalies = read.data.anomalies.map(
      (a) =>
        ({
          ...a,
          timestamp: a.timestamp === null ? Number.NaN : Date.parse(a.timestamp) / 1000,
        }) as unknown as Anomaly,
    )
    return new FoundFile(path, anomalies, (read.data.summary?.adaptations ?? []) as unknown as Adaptation[])
  }

  /** @throws Error when no anomaly has this record number */
  anomaly(record: number): Anomaly {
    const found = this.#anomalies.find((anomaly) => anomaly.record === record)
    if (!found) throw new Error(this.#lacks(`anomaly with record ${record}`))
    return found
  }

  /** @throws Error when no anomaly is of this incident */
  incident(id: number): Incident {
    const own = this.#anomalies.filter(({ incident }) => incident === id)
    if (!own[0]) throw new Error(this.#lacks(`incident ${id}`))
    const builder = IncidentBuilder.begin(own[0])
    for (const anomaly of own) builder.add(anomaly)
    return builder.finish()
  }

  /** @throws Error when there is no such step */
  adaptation(id: string): Adaptation {
    const found = this.#adaptations.find((step) => step.id === id)
    if (!found)
      throw new Error(
        `${this.#lacks(`adaptation ${id}`)}; they are in the document of \`motewatch detect --json\``,
      )
    return found
  }

  #lacks(what: string): string {
    return `${this.#path} has no ${what} among its ${this.#anomalies.length} anomalies`
  }
}

function documentOf(text: string): unknown {
  try {
    const json: unknown = JSON.parse(text)
    return Array.isArray(json) ? { anomalies: json } : isAnomaly(json) ? { anomalies: [json] } : json
  } catch {
    try {
      const lines = text.split('\n').filter((line) => line.trim() !== '')
      return { anomalies: lines.map((line) => JSON.parse(line) as unknown) }
    } catch {
      return undefined
    }
  }
}

function isAnomaly(json: unknown): boolean {
  return typeof json === 'object' && json !== null && 'p_value' in json
}
