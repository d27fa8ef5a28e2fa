/**
 * Turns a capture into flows, batch by batch in constant memory, counts them by device and writes a conn.log.
 *
 *   node examples/flows-from-pcap.ts [capture.pcap] [conn.log]
 *
 * Without arguments it simulates a capture.
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  DeviceResolver,
  flowWriter,
  openSink,
  type ReadReport,
  readBatches,
  stringAt,
  writeSimulation,
} from 'motewatch'

const folder = await mkdtemp(join(tmpdir(), 'motewatch-example-'))
const [capture = await simulated(), log = join(folder, 'conn.log')] = process.argv.slice(2)

const reports: ReadReport[] = []
const devices = new DeviceResolver()
const bytesSent = new Map<string, number>()
// The file appears under its name when it is complete.
const writer = await flowWriter('zeek', openSink(log))
for await (const { batch } of readBatches([capture], {}, reports)) {
  if (batch.kind !== 'flows') continue
  await writer.write(batch)
  const { device, orig_bytes, resp_bytes, device_is_orig, length } = devices.assign(batch)
  for (let i = 0; i < length; i++) {
    const name = stringAt(device!, i)
    const sent = device_is_orig![i] === 1 ? orig_bytes[i]! : resp_bytes[i]!
    // NaN: the log does not know.
    bytesSent.set(name, (bytesSent.get(name) ?? 0) + (Number.isNaN(sent) ? 0 : sent))
  }
}
await writer.close()

for (const { read, used, rejected, unit } of reports) {
  console.log(`${read} ${unit} = ${used} used + ${rejected} rejected`)
}
for (const [device, bytes] of [...bytesSent].sort((a, b) => b[1] - a[1])) {
  console.log(`${devices.nameOf(device) ?? device} sent ${bytes} bytes`)
}
console.log(`written to ${log}`)

async function simulated(): Promise<string> {
  const { files } = await writeSimulation(folder, { devices: 6, hours: 1, files: ['capture.pcap'] })
  return files[0]!
}
