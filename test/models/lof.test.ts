import { FittedLocalOutlierFactor, LocalOutlierFactor } from '../../src/models/local-outlier-factor.ts'
import { detectorContract } from './contract.ts'

detectorContract('LocalOutlierFactor', {
  create: () => new LocalOutlierFactor(),
  load: (buffer) => FittedLocalOutlierFactor.fromBuffer(buffer),
})
