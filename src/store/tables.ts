import type { ColumnType, Generated } from 'kysely'

/**
 * The tables, as kysely sees them; the same in SQLite and PostgreSQL.
 *
 * Times are seconds since the epoch (float64), JSON is text, truth is 0 or 1: the plain types that both databases
 * have. Columns ending in `_json` hold JSON text.
 */
export interface Tables {
  devices: DevicesTable
  reading_shapes: ReadingShapesTable
  readings: ReadingsTable
  recent_readings: RecentReadingsTable
  reading_rollups: ReadingRollupsTable
  flows: FlowsTable
  journal: JournalTable
  engine_states: EngineStatesTable
  anomalies: AnomaliesTable
  anomaly_comments: AnomalyCommentsTable
  incidents: IncidentsTable
  models: ModelsTable
  jobs: JobsTable
  schedules: SchedulesTable
  alert_rules: AlertRulesTable
  alert_deliveries: AlertDeliveriesTable
  events: EventsTable
  users: UsersTable
  sessions: SessionsTable
  tokens: TokensTable
  audit: AuditTable
  idempotency: IdempotencyTable
  meta: MetaTable
}

export type TableName = keyof Tables

/** Every table; a table comes after those it refers to. */
export const TABLE_NAMES = [
  'devices',
  'reading_shapes',
  'readings',
  'recent_readings',
  'reading_rollups',
  'flows',
  'journal',
  'engine_states',
  'anomalies',
  'incidents',
  'models',
  'jobs',
  'schedules',
  'alert_rules',
  'events',
  'users',
  'tokens',
  'audit',
  'idempotency',
  'meta',
  'anomaly_comments',
  'alert_deliveries',
  'sessions',
] as const satisfies readonly TableName[]

/** A device as the source names it, with what people say about it. */
export interface DevicesTable {
  id: Generated<number>
  /** As in records: MAC or IP address for flows, its own id for readings; unique. */
  name: string
  /** What people call it. */
  label: string | null
  /** Host name learned from traffic. */
  host_name: string | null
  type: string | null
  first_seen: number | null
  last_seen: number | null
  /** Records used so far. */
  readings: ColumnType<number, number | undefined>
  flows: ColumnType<number, number | undefined>
  /** Records left until the device's own normal is known; 0 = known, null = never scored, -1 = no model knows its like. */
  learning: number | null
  created: number
}

/** The metrics of a reading, in the order of its values, sorted: few shapes serve millions of readings. */
export interface ReadingShapesTable {
  id: Generated<number>
  /** JSON array of metric names; unique. */
  metrics_json: string
}

/**
 * Primary key (device_id, ts, shape_id): a device's day lies together, and a reading sent twice is one. Sensors of one
 * device that send different metrics at the same time have different shapes.
 */
export interface ReadingsTable {
  device_id: number
  ts: number
  shape_id: number
  /** Values as little-endian float64, NaN = missing. */
  metrics: Uint8Array
}

/** Readings on their way to `readings`, on SQLite, in the order they came: many devices' at once change few pages. */
export interface RecentReadingsTable extends ReadingsTable {
  id: Generated<number>
}

/** Old readings, kept as one row an hour and metric. Primary key (device_id, metric, bucket). */
export interface ReadingRollupsTable {
  device_id: number
  metric: string
  /** Start of the hour. */
  bucket: number
  n: number
  min: number
  max: number
  sum: number
}

/** Zeek's columns. Unique by (ts, orig_h, orig_p, resp_h, resp_p, proto). */
export interface FlowsTable {
  id: Generated<number>
  device_id: number | null
  ts: number
  duration: number | null
  orig_h: string
  orig_p: number
  resp_h: string
  resp_p: number
  /** IPFIX protocolIdentifier. */
  proto: number
  service: string
  conn_state: string
  orig_bytes: number | null
  resp_bytes: number | null
  orig_pkts: number | null
  resp_pkts: number | null
  orig_ip_bytes: number | null
  resp_ip_bytes: number | null
}

/** Accepted records in the order they came, until the engine's saved state covers them: what is scored is on disk. */
export interface JournalTable {
  seq: Generated<number>
  kind: 'readings' | 'flows'
  source: string
  n: number
  /** A batch as bytes, see store/batch-codec.ts. */
  batch: Uint8Array
  created: number
}

/** What an engine knows, and up to where in the journal: one row a follower. */
export interface EngineStatesTable {
  name: string
  /** Journal entries up to this one are in the state. */
  seq: number
  /** Models it was made with. */
  models: string
  state: Uint8Array
  updated: number
}

export interface AnomaliesTable {
  id: Generated<number>
  /** Where it came from and which record: the same record scored again is the same anomaly; unique. */
  uid: string
  device_id: number
  /** Null where the record has no time. */
  ts: number | null
  type: string
  confidence: number
  p_value: number
  incident_id: number | null
  state: 'open' | 'acknowledged'
  feedback: 'expected' | 'confirmed' | null
  /** 'live', a job, the command line. */
  origin: string
  description: string
  /** The whole Anomaly as the API shows it. */
  detail_json: string
  created: number
}

export interface AnomalyCommentsTable {
  id: Generated<number>
  anomaly_id: number
  author: string
  text: string
  created: number
}

export interface IncidentsTable {
  id: Generated<number>
  /** Origin and the incident's number there; unique. */
  uid: string
  kind: 'flows' | 'readings'
  type: string
  technique: string | null
  first: number | null
  last: number | null
  count: number
  confidence: number
  evidence: number
  description: string
  state: 'open' | 'acknowledged'
  origin: string
  detail_json: string
  updated: number
}

export interface ModelsTable {
  id: Generated<number>
  kind: 'flows' | 'readings'
  name: string
  created: number
  /** At most one a kind. */
  active: number
  /** The model that was active before this one was made so, for roll back. */
  previous_id: number | null
  /** SHA-256 of `bytes`, hexadecimal. */
  sha256: string
  size: number
  /** As of store/model-bundle.ts. */
  bytes: Uint8Array
  /** TrainingSummary. */
  card_json: string
  origin: string
}

export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

export interface JobsTable {
  id: Generated<number>
  kind: string
  state: JobState
  /** 0–1; null while unknown. */
  progress: number | null
  message: string
  params_json: string
  result_json: string | null
  error_json: string | null
  created_by: string
  created: number
  started: number | null
  finished: number | null
  /** The process that runs it and when it was last heard of: one that died leaves its jobs to others. */
  owner: string | null
  heartbeat: number | null
  cancel_requested: ColumnType<number, number | undefined>
  attempts: ColumnType<number, number | undefined>
  /** The folder of the file it reads: only services that have it run the job. Null = any. */
  place: string | null
}

export interface SchedulesTable {
  id: Generated<number>
  name: string
  kind: string
  /** Five fields, UTC. */
  cron: string
  params_json: string
  enabled: number
  created_by: string
  created: number
  last_run: number | null
  next_run: number | null
  last_job_id: number | null
}

export interface AlertRulesTable {
  id: Generated<number>
  name: string
  enabled: number
  /** Devices, types, least confidence. */
  match_json: string
  /** Quiet hours, least pause between two alerts. */
  limits_json: string
  /** Webhook, e-mail or syslog with its address; secrets are in it and never shown. */
  target_json: string
  created_by: string
  created: number
}

export interface AlertDeliveriesTable {
  id: Generated<number>
  rule_id: number
  incident_id: number | null
  anomaly_id: number | null
  state: 'pending' | 'delivered' | 'failed' | 'quiet'
  attempts: number
  next_at: number | null
  last_error: string | null
  body_json: string
  created: number
  delivered: number | null
}

/** What happened, in order: server-sent events and WebSockets follow it, and so can go on where they were. */
export interface EventsTable {
  seq: Generated<number>
  at: number
  /** 'anomaly', 'incident', 'device', 'job', 'model', 'alert'. */
  type: string
  device_id: number | null
  data_json: string
}

export type Role = 'viewer' | 'operator' | 'admin'

export interface UsersTable {
  id: Generated<number>
  name: string
  /** scrypt, with its parameters and salt. */
  password: string
  role: Role
  disabled: number
  created: number
  last_login: number | null
}

export interface SessionsTable {
  /** SHA-256 of the cookie's value. */
  hash: string
  user_id: number
  created: number
  expires: number
}

export interface TokensTable {
  id: Generated<number>
  name: string
  /** SHA-256 of the token, which is shown once. */
  hash: string
  /** Its first characters, to know it by. */
  prefix: string
  role: Role
  /** JSON array of scopes such as `data:write`; empty = all that the role may. */
  scopes_json: string
  created_by: string
  created: number
  expires: number | null
  last_used: number | null
  revoked: number
}

export interface AuditTable {
  id: Generated<number>
  at: number
  actor: string
  action: string
  target: string
  address: string
  status: number
  detail_json: string
}

/** Answers to writes with an Idempotency-Key: the same request again gets the same answer. */
export interface IdempotencyTable {
  /** Who, method, path and key. */
  key: string
  /** SHA-256 of the body. */
  request: string
  status: number
  body: string
  created: number
}

export interface MetaTable {
  key: string
  value: string
}
