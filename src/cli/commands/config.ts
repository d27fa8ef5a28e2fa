import type { Command } from 'commander'
import { print, printJson } from '../terminal.ts'

interface Options {
  config?: string
  json?: true
}

export function configCommand(program: Command): void {
  program
    .command('config')
    .description('Check the settings of the service and show what is in force')
    .option('--config <file>', 'YAML file with the settings (default: motewatch.yaml, where there is one)')
    .option('--json', 'print one JSON document on standard output and nothing else')
    .addHelpText('after', EXAMPLES)
    .action(run)
}

const EXAMPLES = `
The output is itself a configuration: every setting with its value, what it means and where the value came from.
Secrets are not shown. Settings come from the file, environment variables above it (MOTEWATCH_PORT, or
MOTEWATCH_PORT_FILE for a file with the value), and options of serve above those.

Examples:
  $ motewatch config > motewatch.yaml
  $ MOTEWATCH_PORT=8080 motewatch config --json`

async function run({ config: file, json }: Options): Promise<void> {
  const [{ loadConfig }, { configYaml, shownConfig }] = await Promise.all([
    import('../../config/load.ts'),
    import('../../config/show.ts'),
  ])
  const loaded = await loadConfig({ file })
  if (json) printJson(shownConfig(loaded))
  else print(configYaml(loaded))
}
