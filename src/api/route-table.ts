import type { FastifyInstance, RouteOptions } from 'fastify'

/** A route as it was declared; `url` with its prefix. */
export interface Route {
  readonly method: string
  readonly url: string
  readonly options: RouteOptions
}

/** All routes of an application: what the checks, the documentation and "method not allowed" read. */
export class RouteTable {
  readonly routes: Route[] = []

  /** Listens to routes being added from now on; the application does not start with one that has no access rule. */
  constructor(app: Pick<FastifyInstance, 'addHook'>) {
    app.addHook('onRoute', (options) => {
      for (const method of [options.method].flat()) this.routes.push({ method, url: options.url, options })
    })
    app.addHook('onReady', async () => {
      const open = this.routes.filter(({ options }) => !options.config?.access)
      if (open.length > 0) {
        const names = open.map(({ method, url }) => `${method} ${url}`).join(', ')
        throw new Error(`${names}: a route must say in config.access who may use it`)
      }
    })
  }

  /** Methods that a path can be asked with, where it is meant most closely; none where there is nothing. */
  methodsOf(path: string): string[] {
    const parts = path.split('/')
    const fitting = this.routes
      .map(({ method, url }) => ({ method, free: freeParts(url.split('/'), parts) }))
      .filter(({ free }) => free !== undefined)
    const least = Math.min(...fitting.map(({ free }) => free!))
    return [...new Set(fitting.filter(({ free }) => free === least).map(({ method }) => method))].sort()
  }
}

/** How many parts of a path a pattern leaves open; undefined where it does not fit. */
function freeParts(pattern: readonly string[], parts: readonly string[]): number | undefined {
  if (pattern.at(-1) === '*') {
    return pattern.slice(0, -1).every((part, i) => part === parts[i]) ? parts.length : undefined
  }
  if (pattern.length !== parts.length) return undefined
  let free = 0
  for (let i = 0; i < parts.length; i++) {
    if (pattern[i]!.startsWith(':') && parts[i] !== '') free++
    else if (pattern[i] !== parts[i]) return undefined
  }
  return free
}
