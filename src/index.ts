/** The public API: everything the command line does, as functions and types. */

export type { Adapter, ReadOptions } from './adapters/adapter.ts'
export { type Inspection, inspectInput, type SourceInspection } from './adapters/inspect.ts'
export { type ReadInputOptions, readBatches, readFlows, readReadings } from './adapters/read.ts'
export { InputError, type Problem, ReadReport } from './adapters/read-report.ts'
export { CounterfactualFinder, type NormalRow } from './anomalies/counterfactual.ts'
export { DeviceResolver } from './devices/device-resolver.ts'
export { extractFeatures } from './features/extract-features.ts'
export type { FeatureColumns, FeatureExtractor, FeatureSpec } from './features/feature-columns.ts'
export { FeatureSpace } from './features/feature-space.ts'
export { feedbackOn, feedbackOnAdaptation, type SaidBy, withFeedback } from './feedback/entry.ts'
export type { FeedbackCounts } from './feedback/judge.ts'
export { parseFeedback } from './feedback/parse.ts'
export { type Matrix, matrix, matrixFromRows, selectRows } from './kernels/matrix.ts'
export { WorkerPool } from './kernels/worker-pool.ts'
export { Autoencoder, type AutoencoderParams } from './models/autoencoder.ts'
export type { Detector, FittedDetector } from './models/detector.ts'
export { IsolationForest, type IsolationForestOptions } from './models/isolation-forest.ts'
export { LocalOutlierFactor, type LocalOutlierFactorParams } from './models/local-outlier-factor.ts'
export { averagePrecision, rocAuc } from './models/metrics.ts'
export { scoreParallel } from './models/parallel.ts'
export { detectorFromBuffer } from './models/registry.ts'
export { Highlights } from './output/highlights.ts'
export type { BatchWriter } from './output/layout.ts'
export { backtestHtml } from './output/report/backtest-report.ts'
export { evaluationHtml } from './output/report/evaluation-report.ts'
export { reportHtml } from './output/report/report.ts'
export { OutputError, openSink, type Sink, writeOutput } from './output/sink.ts'
export {
  anomalyWriter,
  type FlowFormat,
  flowWriter,
  readingWriter,
  type TableFormat,
} from './output/writers.ts'
export { type Backtest, type BacktestOptions, backtest } from './pipeline/backtest.ts'
export {
  type DeviceState,
  Engine,
  type EngineOptions,
  type Learning,
  type Processed,
} from './pipeline/engine.ts'
export type { Evaluation, Measures } from './pipeline/evaluator.ts'
export type {
  DetectOptions,
  DetectSummary,
  EvaluateOptions,
  ModelChoice,
  TrainOptions,
  TrainResult,
} from './pipeline/options.ts'
export { detect, evaluate, train } from './pipeline.ts'
export type { AffectedFeature, Anomaly, AnomalyType, Counterfactual } from './schema/anomaly.ts'
export { type Dictionary, DictionaryBuilder, stringAt } from './schema/dictionary.ts'
export type {
  Adaptation,
  CoveredValues,
  DriftDecision,
  Feedback,
  FeedbackScope,
  Judgement,
} from './schema/feedback.ts'
export { type FlowBatch, FlowBatchBuilder, type FlowRecord } from './schema/flow-batch.ts'
export type { Incident, Technique } from './schema/incident.ts'
export {
  type Batch,
  type ReadingBatch,
  ReadingBatchBuilder,
  type ReadingRecord,
} from './schema/reading-batch.ts'
export { type Simulation, type SimulationOptions, simulate } from './simulate/simulation.ts'
export { type SimulationSummary, type WriteOptions, writeSimulation } from './simulate/write-simulation.ts'
export { loadBundles, type ModelBundle, saveBundles, type TrainingSummary } from './store/model-bundle.ts'
