/** The HTTP server of the API: keys, headers, validation and errors for all routes alike. */
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { Rejected, Unavailable } from '../schema/errors.ts'
import { healthRoutes } from './health.ts'
import { routes } from './index.ts'
import { type Authorize, isLoopback } from './keys.ts'
import { openApiDocument } from './openapi.ts'
import { problem } from './problem.ts'
import type { Answer, ApiContext, ProbeContext, Route, RouteRequest } from './route.ts'

/** What the server wants, whatever its routes. */
interface ServerOptions {
  readonly host: string
  /** 0 for any free port. */
  readonly port: number
  readonly version: string
  readonly authorize: Authorize
  /** Whether only names of this machine may stand in `Host`: where loopback is all that protects the data. */
  readonly localNamesOnly: boolean
  /** Told of an error that nobody expected. */
  readonly onBug: (error: unknown) => void
}

export interface ApiOptions extends ServerOptions, ApiContext {}
export interface ProbeOptions extends ServerOptions, ProbeContext {}

export interface Api {
  readonly address: string
  close(): Promise<void>
}

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}

const MAX_CONNECTIONS = 1000
const CLOSE_MS = 3000

/** The whole API. */
export function startApi(options: ApiOptions): Promise<Api> {
  return serve(routes, options)
}

/** Health and metrics alone: what a process answers that has no store to read from. */
export function startProbes(options: ProbeOptions): Promise<Api> {
  return serve(healthRoutes, options)
}

async function serve<Context>(served: readonly Route<Context>[], options: ServerOptions & Context): Promise<Api> {
  const server = Fastify({
    logger: false,
    bodyLimit: 64 * 1024,
    routerOptions: { maxParamLength: 512 },
    requestTimeout: 30_000,
    keepAliveTimeout: 15_000,
    // Node's own: a minute for headers, and a look at the clock every half minute.
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2000, maxHeaderSize: 16 * 1024 },
    // Unknown parameters are refused, not dropped: whoever misspells a filter must not get everything.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, useDefaults: false, allErrors: false } },
  })
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(HEADERS)
    const refusal = options.localNamesOnly ? refuseForeignHost(request.headers.host) : undefined
    if (refusal !== undefined) {
      return send(reply, refusal)
    }
  })
  for (const route of [...served, openApiRoute(served, options.version)]) {
    addRoute(server, route, options)
  }
  server.setNotFoundHandler((_request, reply) => {
    void send(reply, problem(404, 'no-such-route', 'there is nothing here; /api/v1/openapi.json lists what there is'))
  })
  server.setErrorHandler((error, _request, reply) => {
    void send(reply, answerTo(error, options))
  })
  server.server.maxConnections = MAX_CONNECTIONS
  const address = await server.listen({ host: options.host, port: options.port })
  return { address, close: () => close(server) }
}

/** Answers what was asked, but waits for nobody who takes their time to ask. */
async function close(server: FastifyInstance): Promise<void> {
  const timer = setTimeout(() => server.server.closeAllConnections(), CLOSE_MS)
  await server.close()
  clearTimeout(timer)
}

function openApiRoute<Context>(served: readonly Route<Context>[], version: string): Route<Context> {
  const self: Route<Context> = {
    method: 'GET',
    path: '/api/v1/openapi.json',
    summary: 'This API, described',
    need: 'public',
    responses: { 200: { description: 'An OpenAPI 3.1 document.' } },
    handle: async () => ({ status: 200, body: document }),
  }
  const document = openApiDocument([...served, self], version)
  return self
}

function addRoute<Context>(server: FastifyInstance, route: Route<Context>, options: ServerOptions & Context): void {
  const { need } = route
  server.route({
    method: route.method,
    url: route.path,
    schema: {
      ...(route.query === undefined ? {} : { querystring: route.query }),
      ...(route.params === undefined ? {} : { params: route.params }),
    },
    // Before validation: who may not ask learns nothing about what could be asked.
    onRequest: async (request, reply) => {
      const decision = need === 'public' ? undefined : options.authorize(request.headers.authorization, need)
      if (decision === 'unauthenticated' || decision === 'forbidden') {
        return send(reply, refusalOf(decision))
      }
    },
    handler: async (request, reply) => send(reply, await route.handle(routeRequest(request, route, options), options)),
  })
}

function routeRequest(request: FastifyRequest, { need }: Pick<Route, 'need'>, options: ServerOptions): RouteRequest {
  const decision = need === 'public' ? undefined : options.authorize(request.headers.authorization, need)
  return {
    // Public routes tell nothing of any tenant; an empty id matches none.
    tenant: typeof decision === 'object' ? decision.tenantId : '',
    query: request.query as RouteRequest['query'],
    params: request.params as RouteRequest['params'],
  }
}

function refusalOf(decision: 'unauthenticated' | 'forbidden'): Answer {
  return decision === 'unauthenticated'
    ? problem(401, 'no-key', 'send a key: Authorization: Bearer tt_read_...')
    : problem(403, 'wrong-key', 'this key is not good for this; it needs another scope')
}

/**
 * Without keys the machine's own address is all that protects the data, and a web page can reach it under a name of its
 * own that it makes resolve to loopback. A browser then says that name here.
 */
function refuseForeignHost(host: string | undefined): Answer | undefined {
  const name = (host ?? '').replace(/:\d+$/, '')
  return isLoopback(name)
    ? undefined
    : problem(403, 'foreign-host', 'without keys only localhost, 127.0.0.1 and [::1] may be asked for by name')
}

function answerTo(error: unknown, options: ServerOptions): Answer {
  if (error instanceof Unavailable) {
    return problem(503, 'unavailable', error.message)
  }
  if (error instanceof Rejected) {
    return problem(400, error.reason, error.message)
  }
  const { statusCode, validation, message } = error as {
    statusCode?: number
    message?: string
    validation?: readonly { readonly keyword?: string; readonly params?: Record<string, unknown> }[]
  }
  if (validation !== undefined) {
    return problem(400, 'invalid-query', `${message ?? 'the request is not valid'}${hint(validation[0])}`)
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return problem(statusCode, 'bad-request', message ?? 'the request is not valid')
  }
  options.onBug(error)
  return problem(500, 'bug', 'an error that nobody expected; the log has it')
}

function hint(fault: { readonly keyword?: string; readonly params?: Record<string, unknown> } | undefined): string {
  const extra = fault?.params?.additionalProperty
  return typeof extra === 'string'
    ? `: ${JSON.stringify(extra.slice(0, 60))}; /api/v1/openapi.json lists the parameters`
    : ''
}

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  if (answer.status === 503) {
    reply.header('retry-after', '1')
  }
  if (answer.status === 401) {
    reply.header('www-authenticate', 'Bearer')
  }
  const type = answer.contentType ?? 'application/json; charset=utf-8'
  const body = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)
  return reply.code(answer.status).type(type).send(body)
}
