import { z } from 'zod'
import { findAnomalies, forgetFindings } from '../find-anomalies.ts'
import { given } from '../given.ts'
import { jobKind } from '../kind.ts'
import { uploadedBatches } from '../sources.ts'
import { Upload } from '../uploads.ts'
import { Judging } from './judging.ts'
import { Reading } from './reading.ts'

/** Looks for anomalies in an uploaded file. */
export const detectFile = jobKind({
  name: 'detect-file',
  about: 'look for anomalies in a file',
  heavy: true,
  params: z.strictObject({ upload: Upload, ...Reading.shape, ...Judging.shape }),
  upload: ({ upload }) => upload,
  run({ upload, adapter, map, local, threshold, model, store }, context) {
    const source = uploadedBatches(upload, given({ adapter, map }), context)
    return findAnomalies(source, given({ local: local ?? context.local, threshold, model }), store, context)
  },
  undo: forgetFindings,
})
