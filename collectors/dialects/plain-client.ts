import type { AttributeMap, Span } from '../otlp/records.ts'
import { firstCount, firstLabel, firstText, label, num } from '../otlp/values.ts'
import type { Dialect, FragmentDraft } from './dialect.ts'
import { tokenOfRequest } from './reading/authority.ts'
import { databaseDatasets, dataset, datasets, namedDatasets } from './reading/datasets.ts'
import { type Draft, draftOf, putContent, putDatasets, putEnding, putVolume } from './reading/draft.ts'
import { destinationOf, isTokenRequest } from './reading/network.ts'
import { type Ending, ending, endingOf, outcomeOfGrpc, outcomeOfHttp } from './reading/outcome.ts'

const CLIENT = 3
const PRODUCER = 4

/**
 * Client spans of ordinary instrumentations: HTTP, databases, RPC, messaging. They say where a tool reached and what it
 * read; whether that was a tool, the model behind a call or the agent itself, their ancestors say.
 */
export const plainClient: Dialect = {
  id: 'plain-client',
  title: 'HTTP, database, RPC and messaging client spans',
  joins: 'trace',

  span(span: Span): FragmentDraft | undefined {
    const { attributes } = span
    if (span.kind === PRODUCER) {
      return attributes.has('messaging.system') ? messaging(span) : undefined
    }
    if (span.kind !== CLIENT) {
      return undefined
    }
    if (attributes.has('db.system.name') || attributes.has('db.system')) {
      return database(span)
    }
    if (attributes.has('http.request.method') || attributes.has('http.method')) {
      return isTokenRequest(attributes, span.name) ? tokenRequest(span) : http(span)
    }
    if (attributes.has('rpc.system.name') || attributes.has('rpc.system')) {
      return isTokenRequest(attributes, span.name) ? tokenRequest(span) : rpc(span)
    }
    return attributes.has('messaging.system') ? messaging(span) : undefined
  },
}

const QUERY_KEYS = ['db.query.text', 'db.statement', 'db.query.summary', 'db.operation.name', 'db.operation'] as const

function database(span: Span): Draft {
  const { attributes } = span
  const query = firstText(attributes, QUERY_KEYS)
  if (query === undefined) {
    // A connection that was opened: what goes over it has spans of its own.
    return draftOf(span, 'context', undefined, undefined)
  }
  const draft = draftOf(span, 'part', 'retrieval', undefined)
  putContent(draft, { arguments: query })
  putDatasets(draft, databaseDatasets(attributes))
  putDestination(draft, span, firstLabel(attributes, ['db.system.name', 'db.system']))
  putVolume(draft, { rows: firstCount(attributes, ['db.response.returned_rows']) })
  putEnding(draft, endingOf(span))
  return draft
}

function transport(span: Span, scheme: string | undefined, ended: Ending | undefined): Draft {
  const draft = draftOf(span, 'part', 'egress', undefined)
  draft.transport = true
  putDestination(draft, span, scheme)
  putDatasets(draft, datasets(namedDatasets(span.attributes)))
  putVolume(draft, bodySizes(span.attributes))
  putEnding(draft, ended)
  return draft
}

function putDestination(draft: Draft, span: Span, scheme: string | undefined): void {
  const reached = destinationOf(span.attributes, scheme)
  if (reached !== undefined) {
    draft.destinations = [reached]
  }
}

// What leaves is in the request, what comes in is in the response.
function bodySizes(attributes: AttributeMap): { bytes_in: number | undefined; bytes_out: number | undefined } {
  return {
    bytes_in: firstCount(attributes, ['http.response.body.size', 'http.response_content_length']),
    bytes_out: firstCount(attributes, ['http.request.body.size', 'http.request_content_length']),
  }
}

function http(span: Span): Draft {
  return transport(span, undefined, endingOfHttp(span))
}

function endingOfHttp(span: Span): Ending | undefined {
  const status = num(span.attributes.get('http.response.status_code')) ?? num(span.attributes.get('http.status_code'))
  const outcome = outcomeOfHttp(status)
  return outcome === undefined
    ? endingOf(span)
    : ending(outcome, label(span.attributes.get('error.type')) ?? String(status))
}

function rpc(span: Span): Draft {
  const { attributes } = span
  const status = num(attributes.get('rpc.grpc.status_code')) ?? num(attributes.get('rpc.response.status_code'))
  const outcome = outcomeOfGrpc(status)
  const scheme = firstLabel(attributes, ['rpc.system.name', 'rpc.system'])
  return transport(span, scheme, outcome === undefined ? endingOf(span) : ending(outcome, String(status)))
}

function messaging(span: Span): Draft {
  const { attributes } = span
  const draft = transport(span, label(attributes.get('messaging.system')), endingOf(span))
  const topic = firstLabel(attributes, ['messaging.destination.name', 'messaging.destination'])
  putDatasets(draft, datasets([...(draft.dataset_scope ?? []), dataset(topic)]))
  return draft
}

/** A request for a token stays an event of its own, wherever it happens. */
function tokenRequest(span: Span): Draft {
  const draft = draftOf(span, 'event', 'token_request', undefined)
  putDestination(draft, span, undefined)
  draft.token = tokenOfRequest(span.attributes)
  putEnding(draft, endingOfHttp(span))
  return draft
}
