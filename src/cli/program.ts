import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { abortOutputs, outputsOpen } from '../output/sink.ts'
import { backtestCommand } from './commands/backtest.ts'
import { configCommand } from './commands/config.ts'
import { dbCommand } from './commands/db.ts'
import { demoCommand } from './commands/demo.ts'
import { detectCommand } from './commands/detect.ts'
import { evaluateCommand } from './commands/evaluate.ts'
import { feedbackCommand } from './commands/feedback.ts'
import { flowsCommand } from './commands/flows.ts'
import { initCommand } from './commands/init.ts'
import { inspectCommand } from './commands/inspect.ts'
import { serveCommand } from './commands/serve.ts'
import { simulateCommand } from './commands/simulate.ts'
import { trainCommand } from './commands/train.ts'
import { userCommand } from './commands/user.ts'
import { fail } from './failure.ts'

/**
 * Runs one command line and sets the exit code: 0 done, 1 failed, 2 wrong usage,
 * 3 `detect --fail-on-anomaly` found some.
 *
 * @param args the words after `motewatch`
 */
export async function main(args: readonly string[]): Promise<void> {
  survivePipes()
  const json = args.includes('--json')
  try {
    await program().parseAsync(args.length === 0 ? ['--help'] : args, { from: 'user' })
  } catch (error) {
    // Help that was asked for, or that a group of commands answers with when none was named.
    if (error instanceof CommanderError && (error.exitCode === 0 || error.code === 'commander.help')) return
    process.exitCode = fail(error, json)
  }
}

function program(): Command {
  const program = new Command('motewatch')
    .description('Tells which connected device is misbehaving, and why.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .exitOverride()
    // Errors are reported in one place, by `fail`.
    .configureOutput({ outputError: () => {} })
    .showHelpAfterError(false)
    .addHelpText('after', EXAMPLES)
  for (const command of [
    demoCommand,
    initCommand,
    trainCommand,
    detectCommand,
    evaluateCommand,
    backtestCommand,
    feedbackCommand,
    inspectCommand,
    flowsCommand,
    simulateCommand,
    serveCommand,
    configCommand,
    userCommand,
    dbCommand,
  ]) {
    command(program)
  }
  return program
}

const EXAMPLES = `
Examples:
  $ motewatch demo                                   try everything on the bundled sample
  $ motewatch train --input traffic.csv              learn what is normal, into models/
  $ motewatch detect --input new.pcap                say what is not, and why
  $ motewatch detect --input new.pcap --output anomalies.csv --report report.html
  $ tcpdump -w - | motewatch detect --input -
  $ motewatch serve                                  run as a service: http://localhost:5000

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 anomalies found with --fail-on-anomaly.
motewatch COMMAND --help tells the options of a command.`

function version(): string {
  const manifest = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}

/** A reader that has seen enough (`| head`) is not an error. */
function survivePipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') {
        abortOutputs()
        process.exit(1)
      }
      // A file that is being written is still wanted; without one nobody is listening any more.
      if (!outputsOpen()) process.exit(0)
    })
  }
}
