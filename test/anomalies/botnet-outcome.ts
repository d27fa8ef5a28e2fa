import { classifyFlow } from '../../src/anomalies/classify.ts'
import { FlowHistory } from '../../src/anomalies/flow-evidence.ts'
import { surroundingsIn } from '../../src/anomalies/surroundings.ts'
import { DeviceResolver } from '../../src/devices/device-resolver.ts'
import { FeatureSpace } from '../../src/features/feature-space.ts'
import { createFlowExtractor } from '../../src/features/flow/extractor.ts'
import { IncidentTracker } from '../../src/incidents/incident-tracker.ts'
import { Random } from '../../src/kernels/random.ts'
import type { AnomalyType } from '../../src/schema/anomaly.ts'
import { FlowBatchBuilder } from '../../src/schema/flow-batch.ts'
import { anomaly } from '../output/sample.ts'
import type { Scenario } from './botnet-traffic.ts'

export interface Outcome {
  readonly alarmed: number
  readonly incidents: number
  /** Share of the alarmed flows in an incident of the right type. */
  readonly right: number
  /** Share that have the right type themselves. */
  readonly flows: number
  /** Types of the incidents, most frequent first. */
  readonly types: string
}

/** Features of a device that does nothing but look up names and load pages now and then. */
function ordinary(): FeatureSpace {
  const random = new Random(3)
  const builder = new FlowBatchBuilder(3000)
  for (let i = 0; i < 3000; i++) {
    const payload = Math.round(Math.exp(4 + 3 * random.float()))
    builder.add({
      ts: 1_545_000_000 + 60 * i + 30 * random.float(),
      orig_h: '192.168.1.195',
      orig_p: 1024 + random.int(60_000),
      resp_h: `93.184.216.${random.int(12)}`,
      resp_p: random.float() < 0.4 ? 53 : 443,
      proto: random.float() < 0.4 ? 17 : 6,
      conn_state: 'SF',
      duration: random.float(),
      orig_pkts: 4 + random.int(9),
      orig_bytes: payload,
      resp_pkts: 4 + random.int(9),
      resp_bytes: 3 * payload,
    })
  }
  const batch = new DeviceResolver({}).assign(builder.finish())
  return FeatureSpace.fit('flows', createFlowExtractor().extract(batch), batch.ts)
}

const usual = ordinary()

/** What becomes of a scenario when that share of its flows, drawn at random, is alarmed. */
export function outcome({ flows, type }: Scenario, share: number): Outcome {
  const builder = new FlowBatchBuilder(flows.length)
  for (const flow of flows) builder.add(flow)
  const batch = new DeviceResolver({}).assign(builder.finish())
  const features = createFlowExtractor().extract(batch)
  const around = surroundingsIn(usual)
  const random = new Random(7)
  const history = new FlowHistory()
  const tracker = new IncidentTracker()
  const rows: { incident: number; type: AnomalyType }[] = []
  for (let i = 0; i < batch.length; i++) {
    if (random.float() >= share) continue
    const evidence = history.add(batch, i, undefined, around(features, i))
    const own = classifyFlow(evidence, [])
    rows.push({ incident: evidence.behaviour, type: own })
    tracker.add([
      anomaly({
        incident: evidence.behaviour,
        type: own,
        timestamp: batch.ts[i]!,
        device: '192.168.1.195',
        fields: { orig_h: '192.168.1.195', resp_h: evidence.peer, resp_p: evidence.port, proto: 'tcp' },
      }),
    ])
  }
  const incidents = new Map(tracker.finish().incidents.map((incident) => [incident.id, incident.type]))
  const ofIncident = rows.map((row) => incidents.get(row.incident) ?? row.type)
  const counts = new Map<string, number>()
  for (const t of ofIncident) counts.set(t, (counts.get(t) ?? 0) + 1)
  const part = (types: readonly string[]) => types.filter((t) => t === type).length / Math.max(1, rows.length)
  return {
    alarmed: rows.length,
    incidents: new Set(rows.map((row) => row.incident)).size,
    right: part(ofIncident),
    flows: part(rows.map((row) => row.type)),
    types: [...counts]
      .sort((a, b) => b[1] - a[1])
      .map(([t, n]) => `${t} ${n}`)
      .join(', '),
  }
}
