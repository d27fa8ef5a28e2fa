import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A part of the board: what it shows, and the figures of others that stand for comparison. */
interface Check {
  readonly about: string
  readonly others?: string
}

/** Every check by name, in the order of the board; `NAME.ts` of this folder measures it. */
export const checks: Readonly<Record<string, Check>> = {
  iot23: {
    about:
      'IoT-23: learned from the first half by time of each capture\u2019s benign flows, judged on the later ones and all attacks; scikit-learn and a box-plot rule on plain features of the same flows beside it. Too little benign traffic for a half: also learned from the honeypot.',
    others: 'scikit-learn, measured in the same run, threshold at the 99 % quantile of training scores',
  },
  alarms: {
    about:
      'The alarm contract: false alarms a device-day asked for, against those measured on later benign data.',
  },
  adbench: {
    about:
      'ADBench: 60 % of the rows to learn from, unlabelled and with the anomalies in them, 40 % to rank; the default for any table without times.',
    others: 'PyOD\u2019s published ROC AUC (60/40, 10 trials)',
  },
  'nsl-kdd': {
    about: 'NSL-KDD: learned from the normal rows of KDDTrain+_20Percent, ranked on KDDTest-21.',
    others: 'scikit-learn on all columns, measured in the same run',
  },
  skab: {
    about: 'SKAB by the protocol of its leaderboard.',
    others: 'published: Conv-AE F1 0.78 at 13.6 % false alarms, autoencoder 0.39, isolation forest 0.29',
  },
  nab: {
    about: 'NAB by its own scorer, standard profile, on the files at hand.',
    others: 'published, on all of NAB: ARTime 74.9, HTM 70.5, random cut forest 51.7',
  },
  planted: { about: 'One feature, or a pair, moved out of its range in ordinary records: is it told first?' },
  additivity: { about: 'Contributions add up to the score.' },
  counterfactual: {
    about: 'The changes said to make an anomaly normal are applied, and it is scored again.',
  },
  types: { about: 'Types of anomalies against the truth of simulated incidents and the families of IoT-23.' },
  incidents: { about: 'Anomalies grouped into incidents.' },
  feedback: {
    about:
      'Every false alarm of the first part said to be expected, every attack confirmed: what that changes in the rest.',
  },
  drift: {
    about:
      'A normal that changes slowly for three weeks after a week of training: false alarms with and without following it, and whether attackers who push slowly are found.',
  },
  cost: { about: 'What features and calibration add to the time of `detect`.' },
}

/**
 * Runs every check in a process of its own and writes docs/quality.md from what they printed, with the remarks on a
 * check in `notes/NAME.md`.
 *
 * @returns whether every bar was met
 */
export async function writeBoard(): Promise<boolean> {
  let met = true
  const parts: string[] = []
  const verdicts: string[] = []
  for (const [name, { about, others }] of Object.entries(checks)) {
    const { text, code } = await output(name)
    met &&= code === 0
    const lines = text.trimEnd().split('\n')
    if (code > 1) lines.push(`${name}: ended with exit code ${code} before a figure, bar none: short`)
    for (const line of lines) {
      const verdict = /^(.+?): (.+), bar (.+): (met|short)$/.exec(line)
      if (verdict) {
        const [, what, figure, bar, result] = verdict as unknown as [string, string, string, string, string]
        verdicts.push(`| ${what} | ${figure} | ${bar} | ${result === 'met' ? 'met' : '**short**'} |`)
      } else if (/: no data;/.test(line)) verdicts.push(`| ${name} | no data | | not measured |`)
    }
    const compared = others ? `\n\nBeside it: ${others}.` : ''
    const notes = join(import.meta.dirname, 'notes', `${name}.md`)
    const remarks = existsSync(notes) ? `\n\n${readFileSync(notes, 'utf8').trim()}` : ''
    parts.push(
      `## ${name}\n\n${about}${compared}\n\n\`npm run quality -- ${name}\`\n\n\`\`\`\n${lines.join('\n')}\n\`\`\`${remarks}`,
    )
  }
  const page = `# Quality board

Written by \`npm run quality\`, which runs every check below and puts here what it printed, all of it. One default for
everything: no option is set for a data set. \`npm run quality -- NAME --data DIR\` runs one of them on other data of the
same layout. Splits and seeds are in \`quality/\`; ideas that were tried, with what each was worth, in
[decisions/](decisions/).

| Check | Measured | Bar | |
|---|---|---|---|
${verdicts.join('\n')}

${parts.join('\n\n')}
`
  writeFileSync(join(import.meta.dirname, '..', 'docs', 'quality.md'), page)
  return met
}

/** What one check prints, shown as it comes, and how it ended: 0 met, 1 short, else it failed. */
function output(name: string): Promise<{ text: string; code: number }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), name], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      process.stdout.write(chunk)
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ text, code: code ?? 2 }))
  })
}
