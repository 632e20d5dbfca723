/** Datasets that URIs name: buckets, databases, and resources as MCP servers call them. */
import { bucketId, databaseId } from './dataset-name.ts'
import { identifier } from './identifier.ts'
import { words } from './words.ts'

/** The most URIs looked at in one text; each is read up to a bound, so that the whole is linear. */
const URI_LIMIT = 256
const SCHEME_LENGTH = 24
const URI_LENGTH = 1024
const URI_END = /[\s"'`\\]/
/** What follows a name that is whole: of `reports${YEAR}` nothing is known. */
const NAME_END = '(?=[/?#,;)>}|\\]]|[.:!]?$)'
const BUCKET = new RegExp(`^([a-z0-9][\\w.-]{0,253}[a-z0-9])${NAME_END}`, 'i')
const AZURE_CONTAINER = /^([a-z0-9$][\w-]{1,62})@([a-z0-9]{3,24})\.(?:blob|dfs)\.core\.windows\.net(?![\w.-])/i
const HOST = '(?:\\[[^\\]/?#@]{0,64}\\]|[^/?#@:,[\\]]{0,253})(?::\\d{1,5})?'
/** `host/database`, and `host/database/table/schema` as MCP servers of databases name their tables. */
const DATABASE = new RegExp(`^${HOST}(?:,${HOST}){0,15}/(\\w[\\w$-]{0,127})(?:/(\\w[\\w$-]{0,127})/schema)?${NAME_END}`)

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
const AZURE = words('abfs abfss wasb wasbs')
const DATABASES = words(`postgres postgresql mysql mariadb mongodb clickhouse mssql sqlserver cockroachdb redshift redis
  rediss snowflake bigquery cassandra couchbase`)

const SCHEMES: ReadonlySet<string> = new Set(['http', 'https', ...BUCKETS.keys(), ...AZURE, ...DATABASES])

/** The ids of the buckets and databases whose URIs stand in a text, in that order. Other URIs name no dataset. */
export function datasetsOfUris(text: string): readonly string[] {
  const found: string[] = []
  let at = text.indexOf('://')
  for (let looked = 0; at !== -1 && looked < URI_LIMIT; looked += 1) {
    const start = at + 3
    const next = text.indexOf('://', start)
    const scheme = schemeBefore(text, at)
    if (SCHEMES.has(scheme)) {
      // Not behind where the next one begins: nothing is read twice.
      const rest = text.slice(start, Math.min(next === -1 ? text.length : next + 3, start + URI_LENGTH))
      const end = rest.search(URI_END)
      const id = idOf(scheme, end === -1 ? rest : rest.slice(0, end))
      if (id !== undefined) {
        found.push(id)
      }
    }
    at = next
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
  const id = idOf(schemeBefore(uri, scheme.length), rest.slice(0, URI_LENGTH))
  const location = id === undefined ? locationOf(rest) : undefined
  return location === undefined ? id : identifier(`${scheme.toLowerCase()}://${location}`)
}

/** What a URI leads to, without who signs in, query and fragment; `undefined` when a part of a password may be in it. */
function locationOf(rest: string): string | undefined {
  const at = rest.lastIndexOf('@')
  let located = rest
  if (at !== -1 && SIGNS_IN.test(rest.slice(0, at))) {
    if (PORT.test(rest)) {
      return undefined
    }
    // A password may hold all that ends an authority.
    located = rest.slice(at + 1)
  }
  return located.replace(/[?#][\s\S]*$/, '').replace(/^[^/]*@/, '')
}

/** `name:`, which is followed by a password when an `@` is behind it. */
const SIGNS_IN = /^[^/?#:[]*:/
/** `name:123/`: a host and its port, or a name and how its password begins. */
const PORT = /^[^/?#:[]*:\d{1,5}[/?#]/

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
  const [, database, table] = locatedDatabase(rest) ?? []
  return database === undefined ? undefined : databaseId(system, database, table)
}

const QUERY = /^\?\w[\w.-]{0,63}=/
/** More of them in one URI are there to confuse. */
const SIGNS = 8

/**
 * A password may hold everything that could end it, and a query may hold an `@` to look like the end of one. What can be read in
 * two ways names nothing: half of a password would be worse.
 */
function locatedDatabase(rest: string): RegExpExecArray | null {
  const bare = DATABASE.exec(rest)
  if (bare !== null) {
    const isCertain = !bare[0].includes(':') || !rest.includes('@') || QUERY.test(rest.slice(bare[0].length))
    return isCertain ? bare : null
  }
  if (!/^[^/?#]*[:@]/.test(rest)) {
    return null
  }
  let found: RegExpExecArray | null = null
  let signs = 0
  for (let at = rest.indexOf('@'); at !== -1; at = rest.indexOf('@', at + 1)) {
    const read = DATABASE.exec(rest.slice(at + 1))
    signs += 1
    if ((read !== null && found !== null) || signs > SIGNS) {
      return null
    }
    found ??= read
  }
  return found
}

/** Nearly all URLs lead elsewhere. */
const STORE = /amazonaws|storage\.|windows\.net|cloudflarestorage/i
const S3_HOST = /^(?:(.{3,63})\.)?s3(?:-[a-z0-9-]{1,64})?(?:\.[a-z0-9-]{1,64}){0,3}\.amazonaws\.com(?:\.cn)?$/
const GOOGLE_HOST = /^(?:(.{3,222})\.)?storage\.(?:googleapis|cloud\.google)\.com$/
const GOOGLE_API = /^(?:(?:download|upload)\/)?storage\/v1\/b\/([^/?#]{3,222})/
const AZURE_HOST = /^([a-z0-9]{3,24})\.(?:blob|dfs)\.core\.windows\.net$/
const R2_HOST = /^[0-9a-f]{32}(?:\.eu)?\.r2\.cloudflarestorage\.com$/

/** The bucket that an HTTP URL of an object store leads to. */
function bucketOfUrl(rest: string): string | undefined {
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? ''
  if (!STORE.test(authority)) {
    return undefined
  }
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
