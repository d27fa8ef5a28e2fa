import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { verdict } from '../bench/harness.ts'
import { train } from '../src/pipeline.ts'
import { bundleToBuffer } from '../src/store/model-bundle.ts'
import { openStore } from '../src/store/store.ts'
import { post } from './kill.ts'
import { freePort, numberOption, startProcess } from './running-service.ts'

const T0 = 1_700_000_000
const BODY = 1000
const main = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts')

/**
 * The service and the command line write to one SQLite database at the same time, ten minutes long (`--minutes N`):
 * readings go in over HTTP while `motewatch detect --save-to-db` runs again and again. Neither may fail, and
 * everything that either has acknowledged must be there at the end.
 */
export async function run(): Promise<void> {
  const minutes = numberOption('minutes', 10)
  const folder = mkdtempSync(join(tmpdir(), 'motewatch-two-writers-'))
  try {
    const database = join(folder, 'motewatch.db')
    const models = join(folder, 'models')
    await learn(folder, models, database)
    const service = await startProcess(folder, database, await freePort(), join(folder, 'log'))
    const end = Date.now() + minutes * 60_000
    const [sent, saved] = await Promise.all([
      writeReadings(service.url, end),
      detectAgain(folder, models, database, end),
    ])
    await service.stop()
    const store = await openStore(database)
    let readings = 0
    for (const table of ['readings', 'recent_readings'] as const) {
      const row = await store.db
        .selectFrom(table)
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow()
      readings += Number(row.n)
    }
    const row = await store.db
      .selectFrom('anomalies')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .where('origin', 'like', 'cli:%')
      .executeTakeFirstOrThrow()
    await store.close()
    const lost = sent.accepted - readings + saved.anomalies - Number(row.n)
    verdict({
      name: 'CLI and service on one database',
      ours: `${lost} lost, ${sent.errors + saved.errors} errors; ${sent.accepted} readings by the service, ${saved.anomalies} anomalies in ${saved.runs} runs of the CLI`,
      peer: `${minutes} minutes`,
      theirs: '0',
      ratio: lost === 0 ? 1 : 0,
      bar: '0 lost, 0 errors',
      met: lost === 0 && sent.errors + saved.errors === 0 && saved.anomalies > 0 && sent.accepted > 0,
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function csv(rows: readonly string[]): string {
  return ['id,timestamp,temperature', ...rows].join('\n')
}

/** A model in a folder for the command line, and the same in the database for the service. */
async function learn(folder: string, models: string, database: string): Promise<void> {
  const file = join(folder, 'normal.csv')
  const value = (i: number) => (20 + Math.sin(i) + Math.sin(i * 1.7)).toFixed(3)
  writeFileSync(
    file,
    csv(Array.from({ length: 2000 }, (_, i) => `n${i % 4},${T0 - 100_000 + i * 10},${value(i)}`)),
  )
  const { bundles } = await train([file], { model: 'isolation-forest', workers: 1 })
  const { saveBundles } = await import('../src/store/model-bundle.ts')
  await saveBundles(models, bundles)
  const store = await openStore(database)
  const { id } = await store.models.add(new Uint8Array(bundleToBuffer(bundles[0]!)), 'check')
  await store.models.activate(id)
  await store.close()
}

async function writeReadings(url: string, end: number): Promise<{ accepted: number; errors: number }> {
  let accepted = 0
  let errors = 0
  for (let at = T0; Date.now() < end; at += BODY) {
    const lines = Array.from({ length: BODY }, (_, i) =>
      JSON.stringify({ id: `s${i % 10}`, timestamp: at + i, temperature: 20 + Math.sin(i) }),
    )
    const result = await post(`${url}/api/v1/data`, 'POST', 'application/x-ndjson', lines.join('\n'))
    // Being told to come back is an error here: there is one writer over HTTP only.
    if (result) accepted += (result as { accepted: number }).accepted
    else errors++
    await pause(20)
  }
  return { accepted, errors }
}

/** Runs `detect --save-to-db` on ever new readings. */
async function detectAgain(
  folder: string,
  models: string,
  database: string,
  end: number,
): Promise<{ anomalies: number; runs: number; errors: number }> {
  const file = join(folder, 'today.csv')
  let anomalies = 0
  let errors = 0
  let runs = 0
  for (; Date.now() < end; runs++) {
    const from = T0 + runs * 100_000
    const rows = Array.from(
      { length: 600 },
      (_, i) => `c${i % 4},${from + i * 10},${i % 60 > 50 ? 90 + i : 20 + (i % 3)}`,
    )
    writeFileSync(file, csv(rows))
    const args = [main, 'detect', '-i', file, '--models', models, '--save-to-db', database, '--json']
    try {
      const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 28 })
      anomalies += (JSON.parse(stdout) as { saved: { anomalies: number } }).saved.anomalies
    } catch (error) {
      errors++
      console.error((error as Error).message.slice(0, 500))
    }
  }
  return { anomalies, runs, errors }
}
