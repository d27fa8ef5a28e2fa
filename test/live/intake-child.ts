/** Writes readings of one device without end, and tells each number of a body that is on disk; to be killed. */
import { Intake } from '../../src/live/intake/intake.ts'

const [url, device, first] = process.argv.slice(2) as [string, string, string]
const intake = await Intake.start(url)
for (let k = Number(first); ; k++) {
  const records = Array.from({ length: 50 }, (_, i) => ({ id: device, ts: 1_700_000_000 + k * 50 + i, v: i }))
  const { accepted, duplicates } = await intake.write('readings', records, 'child')
  process.stdout.write(`${k} ${accepted + duplicates}\n`)
}
