#!/usr/bin/env node
// This file must run on every Node there is: it only decides which Node runs the rest.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const NEEDED = [22, 15]

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major > NEEDED[0]! || (major === NEEDED[0] && minor >= NEEDED[1]!)) {
  // Compiled code kept between runs makes the next start faster; where it cannot be kept, nothing is lost.
  module.enableCompileCache()
  import('./program.ts').then(({ main }) => main(process.argv.slice(2)))
} else {
  runOnBundledNode()
}

/** A checkout has its own Node from the npm package `node`; elsewhere there is nothing to fall back on. */
function runOnBundledNode(): void {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  const bundled = fileURLToPath(new URL(`../../node_modules/node/bin/${name}`, import.meta.url))
  if (!existsSync(bundled)) {
    console.error(
      `motewatch needs Node ${NEEDED.join('.')} or newer, this is ${process.versions.node}; install it from https://nodejs.org`,
    )
    process.exitCode = 1
    return
  }
  const child = spawn(bundled, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
  // Ctrl-C reaches the child through the terminal; wait for it to clean up.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('exit', (code) => process.exit(code ?? 1))
}
