/** The OpenAPI 3.1 document, made from the list of routes: what is served is what is described. */
import type { TSchema } from 'typebox'
import { Problem } from './problem.ts'
import type { Route } from './route.ts'

/** What of a route is described. */
type Described = Omit<Route, 'handle'>

const COMMON_RESPONSES = {
  400: { description: 'The request makes no sense; the message says what to change.', schema: Problem },
  401: { description: 'No key, or one that is not known.', schema: Problem },
  403: { description: 'The key is not good for this.', schema: Problem },
  503: { description: 'The store cannot be reached; Retry-After says when to come back.', schema: Problem },
}

export function openApiDocument(routes: readonly Described[], version: string): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Telltale',
      version,
      description: 'What AI agents did, what was found wrong with it, and whether Telltale works.',
    },
    paths,
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
  }
}

function operationOf(route: Described): Readonly<Record<string, unknown>> {
  const responses = route.need === 'public' ? route.responses : { ...COMMON_RESPONSES, ...route.responses }
  return {
    summary: route.summary,
    parameters: [...parametersOf('path', route.params), ...parametersOf('query', route.query)],
    ...(route.need === 'public' ? {} : { security: [{ key: [route.need] }] }),
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, { description, schema }]) => [
        status,
        schema === undefined ? { description } : { description, content: { 'application/json': { schema } } },
      ]),
    ),
  }
}

function parametersOf(place: 'path' | 'query', schema: Route['query']): readonly Readonly<Record<string, unknown>>[] {
  const required = new Set<string>(schema?.required ?? [])
  return Object.entries<TSchema>(schema?.properties ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.has(name),
    schema: property,
  }))
}
