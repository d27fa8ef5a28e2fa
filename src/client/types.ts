/** What the API takes and gives, from the schemas that document it: types only, nothing of the service is loaded. */
import type { z } from 'zod'
import type { ProblemDetails as ProblemSchema } from '../api/problem.ts'
import type {
  AnomalyDetail as AnomalyDetailSchema,
  AnomalyOut,
  Comment as CommentSchema,
} from '../api/resources/anomaly.ts'
import type {
  DetectAnswer,
  StoredDetection as StoredDetectionSchema,
  Stored as StoredSchema,
} from '../api/resources/detection.ts'
import type { DeviceOut } from '../api/resources/device.ts'
import type { IncidentDetail as IncidentDetailSchema, IncidentOut } from '../api/resources/incident.ts'
import type {
  FlowPage as FlowPageSchema,
  ReadingPage as ReadingPageSchema,
  Series as SeriesSchema,
} from '../api/routes/data.ts'
import type { DetectIn } from '../api/routes/detect.ts'
import type { Entry, Verdict as VerdictSchema } from '../api/routes/feedback.ts'
import type { JobIn, JobOut } from '../api/routes/jobs.ts'
import type { ModelCard as ModelCardSchema, ModelOut } from '../api/routes/models.ts'
import type { Statistics as StatisticsSchema } from '../api/routes/statistics.ts'
import type { Status as StatusSchema } from '../api/routes/status.ts'

export type Status = z.output<typeof StatusSchema>
export type Device = z.output<typeof DeviceOut>
export type Anomaly = z.output<typeof AnomalyOut>
export type AnomalyDetail = z.output<typeof AnomalyDetailSchema>
export type Comment = z.output<typeof CommentSchema>
export type Incident = z.output<typeof IncidentOut>
export type IncidentDetail = z.output<typeof IncidentDetailSchema>
export type Question = z.input<typeof DetectIn>
export type Detection = z.output<typeof DetectAnswer>
export type StoredDetection = z.output<typeof StoredDetectionSchema>
export type Stored = z.output<typeof StoredSchema>
export type ReadingPage = z.output<typeof ReadingPageSchema>
export type FlowPage = z.output<typeof FlowPageSchema>
export type Series = z.output<typeof SeriesSchema>
export type Feedback = z.output<typeof Entry>
export type Verdict = z.input<typeof VerdictSchema>
export type Model = z.output<typeof ModelOut>
export type ModelCard = z.output<typeof ModelCardSchema>
export type Job = z.output<typeof JobOut>
export type NewJob = z.input<typeof JobIn>
export type Statistics = z.output<typeof StatisticsSchema>
export type ProblemDetails = z.output<typeof ProblemSchema>

/** One page of a list; `next` is the cursor of the page after. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next: string | null
}

/** Something that happened. */
export interface Event {
  readonly id: number
  readonly type: 'anomaly' | 'incident' | 'device' | 'job' | 'model' | 'alert' | 'missed'
  readonly at: string | null
  readonly device_id: number | null
  readonly data: Readonly<Record<string, unknown>>
}
