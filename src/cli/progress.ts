import { basename } from 'node:path'

/** Shows how far reading has come. */
export interface Progress {
  readonly update: (bytesRead: number, bytesTotal: number | undefined, source: string) => void
  stop(): void
}

const SILENT: Progress = { update() {}, stop() {} }

/**
 * A bar on standard error where that is a terminal, otherwise nothing.
 *
 * @param then what is going on when everything is read
 */
export async function progress(what: string, then?: string): Promise<Progress> {
  if (!process.stderr.isTTY) return SILENT
  const { default: cliProgress } = await import('cli-progress')
  const bar = new cliProgress.SingleBar({
    format: `${what} {bar} {done} {source}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    // Nothing of the terminal is changed, so nothing has to be put back when the run is killed.
    hideCursor: false,
    linewrap: true,
    clearOnComplete: true,
    gracefulExit: false,
    noTTYOutput: false,
    stream: process.stderr,
  })
  bar.start(1, 0, { done: '', source: '' })
  return {
    update(read, total, source) {
      const share = total ? Math.min(1, read / total) : 0
      const done = total ? `${Math.floor(share * 100)}%` : `${(read / 1e6).toFixed(0)} MB`
      bar.update(share, { done, source: share === 1 && then ? then : basename(source) })
    },
    stop() {
      bar.stop()
    },
  }
}
