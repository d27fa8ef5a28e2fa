import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { notFound, Problem, toProblem } from './problem.ts'
import type { RouteTable } from './route-table.ts'

/** Every error answers with problem details: ours, Fastify's, an unknown path, a method that is not there. */
export function answerErrors(app: FastifyInstance, table: RouteTable): void {
  app.setErrorHandler((error, request, reply) => {
    // Where there is nothing it does not matter what else is wrong.
    answer(request.is404 && !(error instanceof Problem) ? nothingHere(request, reply) : error, request, reply)
  })
  app.setNotFoundHandler((request, reply) => {
    throw nothingHere(request, reply)
  })

  function nothingHere(request: FastifyRequest, reply: FastifyReply): Problem {
    const path = request.url.split('?', 1)[0]!
    const allowed = table.methodsOf(path)
    if (allowed.length === 0) return notFound(`there is no ${path}; /docs lists all endpoints`)
    reply.header('allow', allowed.join(', '))
    return new Problem(
      405,
      'Method not allowed',
      `${path} takes ${allowed.join(', ')}, not ${request.method}`,
    )
  }
}

/** For errors that come before there is a route, such as a path that cannot be decoded. */
export function answer(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error) ?? unexpected(error, request.log, request.id)
  if (problem.retryAfter !== undefined) reply.header('retry-after', Math.ceil(problem.retryAfter))
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
}

function unexpected(error: unknown, log: FastifyBaseLogger, id: string): Problem {
  log.error(error)
  return new Problem(500, 'Internal error', `an error of Motewatch's own; its log has it as request ${id}`)
}
