import { FittedIsolationForest, IsolationForest } from '../../src/models/isolation-forest.ts'
import { detectorContract } from './contract.ts'

detectorContract('IsolationForest', {
  create: () => new IsolationForest(),
  load: FittedIsolationForest.fromBuffer,
})
