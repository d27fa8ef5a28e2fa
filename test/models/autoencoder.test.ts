import { Autoencoder, FittedAutoencoder } from '../../src/models/autoencoder.ts'
import { detectorContract } from './contract.ts'

detectorContract('Autoencoder', {
  create: () => new Autoencoder(),
  load: (buffer) => FittedAutoencoder.fromBuffer(buffer),
})
