import type { Command } from 'commander'
import { becomeFrugal } from '../frugal.ts'
import { wholeNumber } from '../options.ts'

interface Options {
  config?: string
  host?: string
  port?: number
  database?: string
  adminPasswordFile?: string
}

export function serveCommand(program: Command): void {
  program
    .command('serve')
    .description('Run as a service: REST API, live events, jobs, on http://localhost:5000')
    .option('--config <file>', 'YAML file with the settings (default: motewatch.yaml, where there is one)')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <n>', 'port to listen on (default: 5000)', wholeNumber(0, 65_535))
    .option('--database <url>', 'SQLite file or postgres://… (default: data/motewatch.db)')
    .option('--admin-password-file <file>', 'makes the user admin with this password when there are no users')
    .addHelpText('after', EXAMPLES)
    .action(run)
}

const EXAMPLES = `
On this machine it works at once, without accounts. For others to reach it (--host 0.0.0.0) there must be an account:
motewatch user add. All settings: motewatch config.

Examples:
  $ motewatch serve
  $ motewatch serve --host 0.0.0.0 --admin-password-file password.txt
  $ motewatch serve --database postgres://motewatch@localhost/motewatch`

async function run({ config: file, adminPasswordFile, ...options }: Options): Promise<void> {
  becomeFrugal()
  const [{ loadConfig }, { startServer }] = await Promise.all([
    import('../../config/load.ts'),
    import('../../api/server.ts'),
  ])
  const { config } = await loadConfig({
    file,
    options: { ...options, 'access.adminPasswordFile': adminPasswordFile },
  })
  const { service, stop } = await startServer(config)
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  service.log.info('stopping')
  await stop()
}
