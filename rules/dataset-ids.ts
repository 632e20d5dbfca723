/**
 * How ids of datasets are compared (`docs/datasets.md`): what arguments leave out is missing at the front, so `leads` may
 * be the end of `postgresql/crm/leads`, and what follows from that for an entry of a policy is here alone.
 */
import { compileGlob, isGlob, type Matches } from './glob.ts'

/** The most ends of one id that are looked at. */
const ENDS = 16

/** An id and its ends, after a `/` or a `.`, the longest first: `crm/leads` gives `crm/leads`, `leads`. */
function endsOf(id: string): readonly string[] {
  const ends = [id]
  for (let at = id.length - 2; at >= 0 && ends.length < ENDS; at -= 1) {
    if (isBoundary(id[at])) {
      ends.push(id.slice(at + 1))
    }
  }
  return ends
}

function isBoundary(character: string | undefined): boolean {
  return character === '/' || character === '.'
}

/** What OpenTelemetry calls database systems: an id that begins with one has no beginning missing. */
const SYSTEMS = new Set(
  `aws.dynamodb aws.redshift azure.cosmosdb cassandra clickhouse cockroachdb couchbase couchdb elasticsearch gcp.bigquery
  gcp.spanner hive ibm.db2 influxdb mariadb memcached microsoft.sql_server milvus mongodb mysql neo4j opensearch oracle.db
  pinecone postgresql qdrant redis snowflake sqlite teradata trino weaviate`.split(/\s+/),
)

/**
 * Whether an id may be the end of a longer one, as arguments give it. Names are lower case, so what has capitals is an
 * opaque id or a URI; and full ids of databases have a system, a namespace and a collection.
 */
export function isPartial(id: string): boolean {
  const slash = id.indexOf('/')
  return (slash < 0 || (id.indexOf('/', slash + 1) < 0 && !SYSTEMS.has(id.slice(0, slash)))) && id === id.toLowerCase()
}

function slashesIn(text: string): number {
  return text.split('/').length - 1
}

/** Compares one glob of a policy with ids in lower case. */
export interface IdGlob {
  /** Whether it is the id, or an end of it. */
  names(id: string): boolean
  /** Whether a longer id that it is, or is the end of, may end in this one, which is partial. */
  couldMean(id: string): boolean
}

/** The most parts of an id of a database: system, namespace, collection. */
const DEPTH = 3

interface Tail {
  /** How many parts stand before it, at least. */
  readonly before: number
  readonly matches: Matches
}

/** Compiles a glob, in lower case. Linear in the id, however it is written. */
export function compileIdGlob(pattern: string): IdGlob {
  const whole = compileGlob(pattern)
  // Of an object only its bucket counts, so `s3://reports/*` is the bucket, too.
  const bucket = /:\/\/[^*]+\/\*$/.test(pattern) ? pattern.slice(0, -2) : undefined
  const ending = pattern.startsWith('*') ? [] : [compileGlob(`*/${pattern}`), compileGlob(`*.${pattern}`)]
  const tails: Tail[] = []
  for (let at = 1; at < pattern.length; at += 1) {
    const slashes = slashesIn(pattern.slice(0, at))
    if (isBoundary(pattern[at - 1]) || pattern[at - 1] === '*') {
      tails.push({ before: slashes, matches: compileGlob(pattern.slice(at)) })
    } else if (pattern[at] === '*' && slashes + 1 < DEPTH) {
      // `postgresql/crm*` may go on with the rest of a name and a part behind it; `postgresql/crm/lead*` may not.
      tails.push({ before: slashes + 1, matches: compileGlob(pattern.slice(at)) })
    }
  }
  return {
    names: (id) => whole(id) || id === bucket || ending.some((matches) => matches(id)),
    couldMean: (id) => {
      const slashes = slashesIn(id)
      return tails.some(({ before, matches }) => (slashes === 0 || before + slashes < DEPTH) && matches(id))
    },
  }
}

/** The entries of a list, found by id: those written out in two maps, globs in turn. */
export class IdIndex<Entry> {
  readonly #byText = new Map<string, Entry[]>()
  readonly #byEnd = new Map<string, Entry[]>()
  readonly #globs: { readonly glob: IdGlob; readonly entry: Entry }[] = []

  /** @param textOf the id or glob of an entry */
  constructor(entries: readonly Entry[], textOf: (entry: Entry) => string) {
    for (const entry of entries) {
      const text = textOf(entry).toLowerCase()
      if (isGlob(text)) {
        this.#globs.push({ glob: compileIdGlob(text), entry })
      } else {
        add(this.#byText, text, entry)
        for (const end of endsOf(text).slice(1)) {
          add(this.#byEnd, end, entry)
        }
      }
    }
  }

  /** Entries that are the id, or an end of it. */
  naming(id: string): readonly Entry[] {
    const folded = id.toLowerCase()
    return [
      ...endsOf(folded).flatMap((end) => this.#byText.get(end) ?? []),
      ...this.#globs.filter(({ glob }) => glob.names(folded)).map(({ entry }) => entry),
    ]
  }

  /** Entries that a partial id may be the end of. */
  meaning(id: string): readonly Entry[] {
    return [...this.spelling(id), ...this.#globs.filter(({ glob }) => glob.couldMean(id)).map(({ entry }) => entry)]
  }

  /** Those of them that spell the name out. */
  spelling(id: string): readonly Entry[] {
    return this.#byEnd.get(id) ?? []
  }
}

function add<Entry>(map: Map<string, Entry[]>, key: string, entry: Entry): void {
  const known = map.get(key)
  if (known === undefined) {
    map.set(key, [entry])
  } else {
    known.push(entry)
  }
}
