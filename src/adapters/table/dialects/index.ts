import type { Dialect } from '../dialect.ts'
import { argus, botIot, unswNb15 } from './argus.ts'
import { cicFlowMeter, ciciot2023 } from './cic.ts'
import { edgeIiotset, rtIot2022, tonIot } from './iot.ts'
import { netflowFields, nfdump, nfdumpJson, nfstream } from './netflow.ts'
import { nslKdd } from './nsl-kdd.ts'
import { suricata } from './suricata.ts'
import { zeekTable } from './zeek.ts'

/** Every known table of flows, in the order in which they are tried. */
export const dialects: readonly Dialect[] = [
  rtIot2022,
  zeekTable,
  tonIot,
  cicFlowMeter,
  ciciot2023,
  unswNb15,
  botIot,
  argus,
  edgeIiotset,
  nslKdd,
  nfstream,
  netflowFields,
  nfdump,
  nfdumpJson,
  suricata,
]
