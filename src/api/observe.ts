import type { Service } from '../service/service.ts'
import type { App } from './app.ts'

/** Statuses of requests that were refused, and why in one word. */
const REFUSED: Readonly<Record<number, string>> = {
  401: 'unknown',
  403: 'forbidden',
  429: 'too-many',
  503: 'busy',
}

/** Counts and times every answer; with `log: debug` it is a line in the log. */
export function observe(app: App, { metrics }: Service): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions, caller } = request
    const status = reply.statusCode
    const seconds = reply.elapsedTime / 1000
    // Paths that do not exist are one route: anybody can think up others.
    metrics.requests.observe({ method, route: routeOptions.url ?? 'none', status }, seconds)
    const reason = REFUSED[status]
    if (reason !== undefined) metrics.refused.inc({ reason })
    request.log.debug(
      { method, url: request.url, status, seconds, caller: caller.name, address: request.ip },
      'answered',
    )
    done()
  })
}
