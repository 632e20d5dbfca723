/** Datasets that URIs name: buckets, databases, and resources as MCP servers call them. */
import { bucketId, databaseId } from './dataset-name.ts'
import { identifier } from './identifier.ts'

/** The most URIs looked at in one text; each is read up to a bound, so that the whole is linear. */
const URI_LIMIT = 256
const SCHEME_LENGTH = 24
const REST = /[^\s"'`\\]{1,1024}/y
/** What follows a name that is whole: of `reports${YEAR}` nothing is known. */
const NAME_END = '(?=[/?#,;)>}|\\]]|[.:!]?$)'
const BUCKET = new RegExp(`^([a-z0-9][\\w.-]{0,253}[a-z0-9])${NAME_END}`, 'i')
const AZURE_CONTAINER = /^([a-z0-9$][\w-]{1,62})@([a-z0-9]{3,24})\.(?:blob|dfs)\.core\.windows\.net(?![\w.-])/i
/** `host/database`, and `host/database/table/schema` as MCP servers of databases name their tables. */
const DATABASE = new RegExp(`^[^/?#]{0,512}/(\\w[\\w$-]{0,127})(?:/(\\w[\\w$-]{0,127})/schema)?${NAME_END}`)

const BUCKETS: ReadonlyMap<string, string> = new Map([
  ['s3', 's3'],
  ['s3a', 's3'],
  ['s3n', 's3'],
  ['gs', 'gs'],
  ['gcs', 'gs'],
  ['r2', 'r2'],
  ['b2', 'b2'],
  ['oss', 'oss'],
  ['cos', 'cos'],
  ['obs', 'obs'],
])
const AZURE: ReadonlySet<string> = new Set(['abfs', 'abfss', 'wasb', 'wasbs'])
const DATABASES: ReadonlySet<string> = new Set(
  `postgres postgresql mysql mariadb mongodb clickhouse mssql sqlserver cockroachdb redshift redis rediss snowflake
  bigquery cassandra couchbase`.split(/\s+/),
)

const SCHEMES: ReadonlySet<string> = new Set(['http', 'https', ...BUCKETS.keys(), ...AZURE, ...DATABASES])

/** The ids of the buckets and databases whose URIs stand in a text, in that order. Other URIs name no dataset. */
export function datasetsOfUris(text: string): readonly string[] {
  const found: string[] = []
  let at = text.indexOf('://')
  for (let looked = 0; at !== -1 && looked < URI_LIMIT; looked += 1) {
    const scheme = schemeBefore(text, at)
    if (SCHEMES.has(scheme)) {
      REST.lastIndex = at + 3
      const id = idOf(scheme, REST.exec(text)?.[0] ?? '')
      if (id !== undefined) {
        found.push(id)
      }
    }
    at = text.indexOf('://', at + 3)
  }
  return found
}

function schemeBefore(text: string, end: number): string {
  let start = end
  while (start > 0 && end - start < SCHEME_LENGTH && isSchemeCharacter(text.charCodeAt(start - 1))) {
    start -= 1
  }
  const scheme = text.slice(start, end).toLowerCase()
  // `mongodb+srv`, `postgresql+psycopg`: what is behind the plus says how to get there.
  const plus = scheme.indexOf('+')
  return plus === -1 ? scheme : scheme.slice(0, plus)
}

function isSchemeCharacter(code: number): boolean {
  const lower = code | 32
  return (lower >= 97 && lower <= 122) || (code >= 48 && code <= 57) || code === 43
}

/**
 * The id of a resource that something names outright (`mcp.resource.uri`, the source of a document): its bucket or
 * database when it is of one, else the URI without query and userinfo, else the name it is.
 */
export function resourceId(uri: string): string | undefined {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]{0,40}):\/\/([\s\S]*)$/i.exec(uri) ?? []
  if (scheme === '') {
    return identifier(uri)
  }
  const location = rest.replace(/[?#][\s\S]*$/, '').replace(/^[^/]*@/, '')
  return (
    idOf(schemeBefore(uri, scheme.length), rest.slice(0, 1024)) ?? identifier(`${scheme.toLowerCase()}://${location}`)
  )
}

function idOf(scheme: string, rest: string): string | undefined {
  const store = BUCKETS.get(scheme)
  if (store !== undefined) {
    const bucket = BUCKET.exec(rest)?.[1]
    return bucket === undefined ? undefined : bucketId(store, bucket)
  }
  if (scheme === 'https' || scheme === 'http') {
    return bucketOfUrl(rest)
  }
  if (AZURE.has(scheme)) {
    const [, container = '', account = ''] = AZURE_CONTAINER.exec(rest) ?? []
    return container === '' ? undefined : bucketId('azure', `${account}/${container}`)
  }
  return DATABASES.has(scheme) ? databaseOf(scheme, rest) : undefined
}

function databaseOf(system: string, rest: string): string | undefined {
  // A password may hold a slash: who signs in ends at the last `@`, whatever stands before it.
  const [, database, table] = DATABASE.exec(rest.slice(rest.lastIndexOf('@') + 1)) ?? []
  return database === undefined ? undefined : databaseId(system, database, table)
}

/** Nearly all URLs lead elsewhere. */
const STORE = /amazonaws|storage\.|windows\.net|cloudflarestorage/i
const S3_HOST = /^(?:(.{3,63})\.)?s3(?:[.-][a-z0-9-]{1,32}){0,3}\.amazonaws\.com(?:\.cn)?$/
const GOOGLE_HOST = /^(?:(.{3,222})\.)?storage\.(?:googleapis|cloud\.google)\.com$/
const GOOGLE_API = /^(?:(?:download|upload)\/)?storage\/v1\/b\/([^/?#]{3,222})/
const AZURE_HOST = /^([a-z0-9]{3,24})\.(?:blob|dfs)\.core\.windows\.net$/
const R2_HOST = /^[0-9a-f]{32}(?:\.eu)?\.r2\.cloudflarestorage\.com$/

/** The bucket that an HTTP URL of an object store leads to. */
function bucketOfUrl(rest: string): string | undefined {
  if (!STORE.test(rest)) {
    return undefined
  }
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? ''
  const host = authority
    .slice(authority.lastIndexOf('@') + 1)
    .replace(/:\d*$/, '')
    .toLowerCase()
  const path = rest.slice(authority.length + 1)
  const first = BUCKET.exec(path)?.[1]
  const s3 = S3_HOST.exec(host)
  if (s3 !== null) {
    return storeBucket('s3', s3[1] ?? first)
  }
  const google = GOOGLE_HOST.exec(host)
  if (google !== null) {
    return storeBucket('gs', google[1] ?? GOOGLE_API.exec(path)?.[1] ?? first)
  }
  const account = AZURE_HOST.exec(host)?.[1]
  if (account !== undefined) {
    return first === undefined ? undefined : bucketId('azure', `${account}/${first}`)
  }
  return R2_HOST.test(host) ? storeBucket('r2', first) : undefined
}

function storeBucket(store: string, bucket: string | undefined): string | undefined {
  return bucket === undefined ? undefined : bucketId(store, bucket)
}
