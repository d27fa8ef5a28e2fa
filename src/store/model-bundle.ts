import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { FeatureSpace } from '../features/feature-space.ts'
import { parseFeedback } from '../feedback/parse.ts'
import { type ModelBytes, ModelFormatError, readSections, writeSections } from '../models/buffer.ts'
import { Calibration } from '../models/calibration.ts'
import type { FittedDetector } from '../models/detector.ts'
import { bytesOf, detectorFromBuffer } from '../models/registry.ts'
import type { Feedback } from '../schema/feedback.ts'

/** The file's kind and the version of its layout; a change of meaning of anything inside raises the version. */
const magic = 'MOTEWTCH'
const version = 3

/** A detector and what its scores mean. */
export interface CalibratedModel {
  readonly detector: FittedDetector
  readonly calibration: Calibration
}

/** What a model was made from and how well it did: shown to people, JSON-able. */
export interface TrainingSummary {
  /** Names of the sources read. */
  readonly sources: readonly string[]
  /** Rows seen, rows learned from (after sampling), rows of those only calibrated on. */
  readonly rows: { readonly seen: number; readonly fitted: number; readonly calibrated: number }
  /** Time of the first and last training row, seconds since the epoch; null when the rows have no time. */
  readonly from: number | null
  readonly to: number | null
  readonly devices: number
  readonly features: readonly string[]
  readonly dropped: readonly { readonly name: string; readonly reason: string }[]
  readonly contamination: number
  readonly seed: number
  /** Remarks about the training data: too short, looks attacked, … */
  readonly warnings: readonly string[]
  /** Share of the calibration rows above each confidence, by the finished ensemble: what to expect of benign traffic. */
  readonly alarms: readonly {
    readonly threshold: number
    readonly p: number
    readonly measured: number
    /** Alarms a device-day; null where rows have no time. */
    readonly perDeviceDay: number | null
  }[]
  /** What was promised about false alarms, where that was asked for. */
  readonly promise: AlarmPromise | null
}

/** How many false alarms were accepted, and the threshold that follows. */
export interface AlarmPromise {
  /** As it was asked for: `1/device-day`, `3/day`. */
  readonly accepted: string
  /** The same as alarms a device-day. */
  readonly perDeviceDay: number
  /** Confidence from which `detect` alarms, and its p-value. */
  readonly threshold: number
  readonly p: number
  /** Days over which records were held out from the models to count alarms, and device-days in them. */
  readonly days: number
  readonly deviceDays: number
  /**
   * Alarms a device-day in the second half of these days at the threshold that follows from the first; null
   * where there are too few records.
   */
  readonly measured: number | null
  /** Whether fewer than three alarms were counted at the threshold, so that it follows from the tail of p. */
  readonly extrapolated: boolean
}

/** What training knew of each device at the end of its input, so that later records do not meet strangers. */
export interface TrainedPast {
  /** Time of the newest record it knows, seconds since the epoch. */
  readonly until: number
  /** Devices known, and those unseen for longest that were left out for size. */
  readonly devices: number
  readonly leftOut: number
  /** State of the feature extractor. */
  readonly features: Uint8Array
  /** Names and MAC addresses as JSON; empty for readings. */
  readonly places: Uint8Array
}

/** Everything needed to score one kind of data, and nothing that can run. */
export interface ModelBundle {
  readonly kind: 'flows' | 'readings'
  readonly space: FeatureSpace
  /** In the order of training; names are unique. */
  readonly models: readonly CalibratedModel[]
  /** Calibration of the combined evidence, by the members' names joined with '+'. */
  readonly ensembles: ReadonlyMap<string, Calibration>
  readonly summary: TrainingSummary
  /**
   * What people said about its anomalies, in order of time. Left out by training, which knows nothing of it: saved
   * over an older model, it takes over what that one has.
   */
  readonly feedback?: readonly Feedback[]
  /** Left out where records had no time, or training learned only from the first part of them. */
  readonly past?: TrainedPast
}

/** The key of {@link ModelBundle.ensembles} for these members. */
export function ensembleKey(names: readonly string[]): string {
  return names.join('+')
}

/** The whole bundle as the bytes of its file. Equal bundles give equal bytes. */
export function bundleToBuffer(bundle: ModelBundle): ArrayBufferLike {
  const { past } = bundle
  const card = new TextEncoder().encode(
    JSON.stringify({
      kind: bundle.kind,
      space: bundle.space.toJSON(),
      calibrations: bundle.models.map((m) => m.calibration.toJSON()),
      ensembles: Object.fromEntries([...bundle.ensembles].map(([key, c]) => [key, c.toJSON()])),
      summary: bundle.summary,
      ...(bundle.feedback && bundle.feedback.length > 0 ? { feedback: bundle.feedback } : {}),
      ...(past ? { past: { until: past.until, devices: past.devices, leftOut: past.leftOut } } : {}),
    }),
  )
  const models = bundle.models.map((m) => bytesOf(m.detector))
  return writeSections(
    magic,
    version,
    {
      models: bundle.models.map((m) => m.detector.name),
      cardBytes: card.length,
      featuresBytes: past?.features.length ?? 0,
      placesBytes: past?.places.length ?? 0,
      ...Object.fromEntries(models.map((bytes, i) => [`model${i}Bytes`, bytes.length])),
    },
    {
      card,
      features: past?.features ?? new Uint8Array(0),
      places: past?.places ?? new Uint8Array(0),
      ...Object.fromEntries(models.map((bytes, i) => [`model${i}`, bytes])),
    },
  )
}

/**
 * Opens the bytes of a model file. Its detectors lie where the bytes are: on shared memory threads reach them.
 *
 * @param place file name for messages
 * @throws ModelFormatError when the bytes are no model, a damaged one, or one of another version
 */
export function bundleFromBuffer(bytes: ModelBytes, place: string): ModelBundle {
  try {
    const sections = readSections(bytes, magic, version)
    const section = (name: string) => {
      const length = sections.integer(`${name}Bytes`, 0, bytes.byteLength)
      return sections.array(name, Uint8Array, length)
    }
    // A copy, as TextDecoder does not take shared memory.
    const card = parseCard(new TextDecoder().decode(Uint8Array.from(section('card'))))
    const names = sections.strings('models')
    if (names.length === 0 || card.calibrations.length !== names.length) {
      throw new ModelFormatError(`${names.length} models with ${card.calibrations.length} calibrations`)
    }
    const models = names.map((name, i) => {
      const detector = detectorFromBuffer(section(`model${i}`))
      if (detector.name !== name) {
        throw new ModelFormatError(`model ${i} is named ${name} but holds ${detector.name}`)
      }
      return { detector, calibration: Calibration.fromJSON(card.calibrations[i]) }
    })
    const space = FeatureSpace.fromJSON(card.space)
    for (const { detector } of models) {
      if (detector.featureNames.length !== space.specs.length) {
        throw new ModelFormatError(
          `${detector.name} expects ${detector.featureNames.length} features, the file describes ${space.specs.length}`,
        )
      }
    }
    const ensembles = Object.entries(card.ensembles).map(
      ([key, json]) => [key, Calibration.fromJSON(json)] as const,
    )
    const feedback = parseFeedback(card.feedback ?? [])
    const { kind, summary, past } = card
    return {
      kind,
      space,
      models,
      ensembles: new Map(ensembles),
      summary,
      feedback,
      ...(past ? { past: { ...past, features: section('features'), places: section('places') } } : {}),
    }
  } catch (error) {
    const message = (error as Error).message
    const remedy = message.includes('train again') ? '' : '; train again with `motewatch train`'
    throw new ModelFormatError(`${place}: ${message}${remedy}`)
  }
}

interface Card {
  kind: 'flows' | 'readings'
  space: unknown
  calibrations: unknown[]
  ensembles: Record<string, unknown>
  summary: TrainingSummary
  feedback?: unknown
  past?: Pick<TrainedPast, 'until' | 'devices' | 'leftOut'>
}

function parseCard(text: string): Card {
  const card = JSON.parse(text) as Partial<Card> | null
  const sound =
    typeof card === 'object' &&
    card !== null &&
    (card.kind === 'flows' || card.kind === 'readings') &&
    Array.isArray(card.calibrations) &&
    typeof card.ensembles === 'object' &&
    card.ensembles !== null &&
    Number.isFinite(card.summary?.contamination) &&
    (card.summary?.promise === null || Number.isFinite(card.summary?.promise?.threshold)) &&
    (card.past === undefined || Number.isFinite(card.past.until))
  if (!sound) throw new ModelFormatError('the card lacks kind, calibrations, ensembles or summary')
  return card as Card
}

/** Copies `bytes` to shared memory of their own, where workers can read them. */
function shared(bytes: Uint8Array): SharedArrayBuffer {
  const copy = new SharedArrayBuffer(bytes.length)
  new Uint8Array(copy).set(bytes)
  return copy
}

function fileOf(dir: string, kind: ModelBundle['kind']): string {
  return join(dir, `${kind}.model`)
}

/** The bundle with what people said about the model that it replaces, as long as nothing was said about itself. */
async function keepingFeedback(path: string, bundle: ModelBundle): Promise<ModelBundle> {
  if (bundle.feedback) return bundle
  const feedback = await readBundle(path).then(
    (old) => old?.feedback ?? [],
    // A file that is none of ours, or damaged, has nothing to take over.
    () => [],
  )
  return { ...bundle, feedback }
}

/**
 * Writes each bundle to `dir` as `flows.model` or `readings.model`, replacing one of the same kind, of which
 * the feedback is kept where the bundle has none of its own (`feedback` left out). A file is either the old one or
 * the whole new one, also when the power fails.
 */
export async function saveBundles(dir: string, bundles: readonly ModelBundle[]): Promise<void> {
  await mkdir(dir, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EEXIST' || error.code === 'ENOTDIR'
      ? new Error(`${dir} is a file; the models need a folder: choose another with --output-dir`)
      : error
  })
  for (const bundle of bundles) {
    const path = fileOf(dir, bundle.kind)
    const temporary = `${path}.${process.pid}.tmp`
    try {
      const file = await open(temporary, 'w')
      try {
        await file.writeFile(new Uint8Array(bundleToBuffer(await keepingFeedback(path, bundle))))
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
  }
  const folder = await open(dir, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** The bundle in a file; undefined when there is no such file. */
async function readBundle(path: string): Promise<ModelBundle | undefined> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  return bytes && bundleFromBuffer(shared(bytes), path)
}

/**
 * Reads the models kept in `dir`.
 *
 * @throws ModelFormatError when a file is damaged or of another version
 * @throws Error when there is no model at all; the message says how to make one
 */
export async function loadBundles(dir: string): Promise<ModelBundle[]> {
  const bundles: ModelBundle[] = []
  for (const kind of ['flows', 'readings'] as const) {
    const path = fileOf(dir, kind)
    const bundle = await readBundle(path)
    if (!bundle) continue
    if (bundle.kind !== kind) {
      throw new ModelFormatError(
        `${path} holds a model for ${bundle.kind}; rename it to ${bundle.kind}.model`,
      )
    }
    bundles.push(bundle)
  }
  if (bundles.length === 0) {
    throw new Error(
      `${dir} expects flows.model or readings.model, found neither; make them with \`motewatch train --input FILE --output-dir ${dir}\` or \`motewatch init\``,
    )
  }
  return bundles
}
