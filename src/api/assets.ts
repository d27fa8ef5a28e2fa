import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** Scripts and styles of the documentation's pages, and the packages they come from at build. */
export const ASSETS = {
  'swagger-ui-bundle.js': '@fastify/swagger-ui/static/swagger-ui-bundle.js',
  'swagger-ui.css': '@fastify/swagger-ui/static/swagger-ui.css',
  'redoc.standalone.js': 'redoc/bundles/redoc.standalone.js',
} as const

export type AssetName = keyof typeof ASSETS

const LOGO = 'https://cdn.redoc.ly/redoc/logo-mini.svg'
const NO_LOGO = 'data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=='

/** From the package, with ReDoc's remote logo replaced: the pages load nothing from elsewhere. */
export async function assetFromPackage(name: AssetName): Promise<string> {
  const text = await readFile(createRequire(import.meta.url).resolve(ASSETS[name]), 'utf8')
  return text.replaceAll(LOGO, NO_LOGO)
}

/** As the build left it beside this file; in development, from the package. */
export async function asset(name: AssetName): Promise<string> {
  const built = join(import.meta.dirname, 'assets', name)
  return existsSync(built) ? readFile(built, 'utf8') : assetFromPackage(name)
}
