import type { Command } from 'commander'
import type { DatabaseStats } from '../../store/size.ts'
import { print, printJson, table } from '../terminal.ts'

interface Options {
  config?: string
  database?: string
  replace?: true
  json?: true
}

export function dbCommand(program: Command): void {
  const db = program
    .command('db')
    .description('Back up, restore, migrate the database, and tell what is in it')
    .addHelpText('after', EXAMPLES)
  const sub = (name: string, description: string) =>
    db
      .command(name)
      .description(description)
      .option('--database <url>', 'SQLite file or postgres://… (default: as motewatch config tells)')
      .option('--config <file>', 'YAML file with the settings')
      .addHelpText('after', EXAMPLES)
  sub('stats', 'Tell how much is in it')
    .option('--json', 'print one JSON document on standard output and nothing else')
    .action(stats)
  sub('migrate', 'Bring its schema up to date, as every start of the service does').action(migrateTo)
  sub('backup <file>', 'Write all of it to one file, also while the service runs').action(backupTo)
  sub('restore <file>', 'Make it what a backup says; the service must not be running')
    .option('--replace', 'lose what is in it')
    .action(restoreFrom)
}

const EXAMPLES = `
A backup is one SQLite file, also of PostgreSQL, and can be restored to either.

Examples:
  $ motewatch db stats
  $ motewatch db backup motewatch-backup.db
  $ motewatch db restore motewatch-backup.db --database postgres://localhost/motewatch`

async function urlOf({ config: file, database }: Options): Promise<string> {
  const { loadConfig } = await import('../../config/load.ts')
  return (await loadConfig({ ...(file ? { file } : {}), options: { database } })).config.database
}

async function stats(options: Options): Promise<void> {
  const [{ openStore }, { databaseStats }] = await Promise.all([
    import('../../store/store.ts'),
    import('../../store/size.ts'),
  ])
  const store = await openStore(await urlOf(options))
  let found: DatabaseStats
  try {
    found = await databaseStats(store.database)
  } finally {
    await store.close()
  }
  if (options.json) {
    printJson({ ...found, from: time(found.from), to: time(found.to) })
    return
  }
  print(`${found.database} (${found.dialect}), schema ${found.schema}`)
  print(`${megabytes(found.size)} on disk, ${megabytes(found.used)} in use`)
  if (found.from !== null) print(`records from ${time(found.from)} to ${time(found.to)}`)
  const rows = Object.entries(found.rows).filter(([, n]) => n > 0)
  if (rows.length > 0)
    print(
      await table(
        ['Table', 'Rows'],
        rows.map(([name, n]) => [name, n.toLocaleString('en')]),
      ),
    )
}

async function migrateTo(options: Options): Promise<void> {
  const { migrate, openDatabase } = await import('../../store/database.ts')
  const database = openDatabase(await urlOf(options))
  try {
    const run = await migrate(database)
    print(run.length > 0 ? `Done: ${run.join(', ')}` : 'It is up to date.')
  } finally {
    await database.close()
  }
}

async function backupTo(file: string, options: Options): Promise<void> {
  const { backup } = await import('../../store/backup.ts')
  await backup(await urlOf(options), file)
  print(`The backup is in ${file}.`)
}

async function restoreFrom(file: string, options: Options): Promise<void> {
  const [{ restore }, { shown }] = await Promise.all([
    import('../../store/backup.ts'),
    import('../../store/database.ts'),
  ])
  const url = await urlOf(options)
  await restore(file, url, options.replace)
  print(`${shown(url)} is what ${file} says.`)
}

function time(seconds: number | null): string | null {
  return seconds === null ? null : new Date(seconds * 1000).toISOString()
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
