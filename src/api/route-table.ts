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

  /** Methods that a path can be asked with; none where there is nothing. */
  methodsOf(path: string): string[] {
    const parts = path.split('/')
    const fits = ({ url }: Route) => {
      const pattern = url.split('/')
      if (pattern.at(-1) === '*') return pattern.slice(0, -1).every((part, i) => part === parts[i])
      return (
        pattern.length === parts.length &&
        pattern.every((part, i) => (part.startsWith(':') ? parts[i] !== '' : part === parts[i]))
      )
    }
    return [...new Set(this.routes.filter(fits).map((r) => r.method))].sort()
  }
}
