import type { Command } from 'commander'
import { Option } from 'commander'
import { ROLES } from '../../access/caller.ts'
import type { Users } from '../../access/users.ts'
import type { Role } from '../../store/tables.ts'
import { UsageError } from '../failure.ts'
import { print, printJson, table } from '../terminal.ts'

interface Options {
  config?: string
  database?: string
  passwordFile?: string
  role?: Role
  json?: true
}

export function userCommand(program: Command): void {
  const user = program
    .command('user')
    .description('Manage the accounts of the service, also while it runs')
    .addHelpText('after', EXAMPLES)
  const sub = (name: string, description: string) =>
    user
      .command(name)
      .description(description)
      .option('--database <url>', 'SQLite file or postgres://… (default: as motewatch config tells)')
      .option('--config <file>', 'YAML file with the settings')
      .addHelpText('after', EXAMPLES)
  const role = () =>
    new Option('--role <role>', 'what he may: read, work, or manage users too').choices(ROLES)
  const passwordFile = [
    '--password-file <file>',
    'file with the password; otherwise it is asked for',
  ] as const

  sub('add <name>', 'Make an account')
    .addOption(role().default('viewer'))
    .option(...passwordFile)
    .action((name: string, options: Options) =>
      withUsers(options, async (users) => {
        await users.add(name, await password(options), options.role ?? 'viewer')
        print(`${name} can log in now.`)
      }),
    )
  sub('list', 'List the accounts')
    .option('--json', 'print one JSON document on standard output and nothing else')
    .action((options: Options) => withUsers(options, (users) => list(users, options.json)))
  sub('password <name>', 'Give a new password; ends the sessions of this user')
    .option(...passwordFile)
    .action((name: string, options: Options) =>
      withUsers(options, async (users) => {
        await users.get(name)
        await users.change(name, { password: await password(options) })
        print(`${name} has a new password.`)
      }),
    )
  sub('role <name>', 'Give another role')
    .addOption(role().makeOptionMandatory())
    .action((name: string, options: Options) =>
      withUsers(options, async (users) => {
        await users.change(name, { role: options.role })
        print(`${name} is ${options.role} now.`)
      }),
    )
  sub('remove <name>', 'Remove an account with its sessions and tokens').action(
    (name: string, options: Options) =>
      withUsers(options, async (users) => {
        await users.remove(name)
        print(`${name} is removed.`)
      }),
  )
}

const EXAMPLES = `
Roles: a viewer reads; an operator also writes data, trains, judges anomalies; an admin also manages users.

Examples:
  $ motewatch user add ada --role admin
  $ motewatch user list`

async function withUsers(options: Options, work: (users: Users) => Promise<void>): Promise<void> {
  const [{ loadConfig }, { openStore }, { Users }] = await Promise.all([
    import('../../config/load.ts'),
    import('../../store/store.ts'),
    import('../../access/users.ts'),
  ])
  const { config } = await loadConfig({ file: options.config, options: { database: options.database } })
  const store = await openStore(config.database)
  try {
    await work(new Users(store.db))
  } finally {
    await store.close()
  }
}

async function list(users: Users, json: true | undefined): Promise<void> {
  const all = await users.list()
  if (json) return printJson({ users: all })
  if (all.length === 0) return print('There are no accounts: on this machine everybody may do everything.')
  const rows = all.map(({ name, role, disabled, lastLogin }) => [
    name,
    disabled ? `${role}, shut out` : role,
    lastLogin === null ? 'never' : new Date(lastLogin * 1000).toISOString().slice(0, 16).replace('T', ' '),
  ])
  print(await table(['Name', 'Role', 'Last login'], rows))
}

/** From the file, or asked for twice at the terminal without showing it. */
async function password({ passwordFile }: Options): Promise<string> {
  if (passwordFile !== undefined) {
    const { readFile } = await import('node:fs/promises')
    return (await readFile(passwordFile, 'utf8')).replace(/\r?\n$/, '')
  }
  if (!process.stdin.isTTY) throw new UsageError('a password is needed: --password-file FILE, or a terminal')
  const first = await ask('Password: ')
  if (first !== (await ask('Again: '))) throw new UsageError('the two passwords differ')
  return first
}

async function ask(question: string): Promise<string> {
  const [{ createInterface }, { Writable }] = await Promise.all([
    import('node:readline'),
    import('node:stream'),
  ])
  process.stderr.write(question)
  // What is typed goes nowhere.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output, terminal: true })
  try {
    return await new Promise((resolve, reject) => {
      lines.question('', resolve)
      lines.on('SIGINT', () => reject(new UsageError('no password given')))
    })
  } finally {
    lines.close()
    process.stderr.write('\n')
  }
}
