import type { Command } from 'commander'
import { given } from '../given.ts'
import { wholeNumber } from '../options.ts'

interface Options {
  host?: string
  port?: number
  database?: string
}

export function serveCommand(program: Command): void {
  program
    .command('serve')
    .description('Run as a service: REST API, live events, jobs, on http://localhost:5000')
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--port <n>', 'port to listen on (default: 5000)', wholeNumber(0, 65_535))
    .option('--database <url>', 'SQLite file or postgres://… (default: data/motewatch.db)')
    .addHelpText('after', EXAMPLES)
    .action(run)
}

const EXAMPLES = `
Examples:
  $ motewatch serve
  $ motewatch serve --database postgres://motewatch@localhost/motewatch`

async function run(options: Options): Promise<void> {
  const [{ Config }, { startServer }] = await Promise.all([
    import('../../config/config.ts'),
    import('../../api/server.ts'),
  ])
  const { service, url, stop } = await startServer(Config.parse(given({ ...options })))
  service.log.info({ url }, 'listening')
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  service.log.info('stopping')
  await stop()
}
