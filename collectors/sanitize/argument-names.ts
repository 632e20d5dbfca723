/** What the name of an argument says about its value: whom or what it reaches, and which dataset it names. */
import type { DatasetPart } from './argument-datasets.ts'
import { ownCopy } from './text.ts'
import { words } from './words.ts'

/**
 * `recipient`: people the call sends something to. `mention`: people it does not (who sent, what is searched for). `host`: a
 * machine, also by a name without dots. `address`: a machine or URL, if the value looks like one. `command`: a command line
 * or code.
 */
export type ArgumentMeaning = 'recipient' | 'mention' | 'host' | 'address' | 'command' | 'plain'

const MENTIONS =
  words(`from sender author owner creator login username replyto organizer submitter query q search filter
  filters keyword keywords term terms where`)
const RECIPIENTS =
  words(`to cc bcc recipient recipients email emails mail mails attendee attendees participant participants
  invitee invitees invite invites guest guests contact contacts receiver receivers rcpt addressee addressees mailto
  subscriber subscribers collaborator collaborators`)
const HOSTS = words('host hostname hosts hostnames fqdn')
const ADDRESSES =
  words(`url urls uri uris link links href endpoint endpoints webhook webhooks server servers domain domains
  address addresses addr ip ips website site sites target targets destination destinations dest dst remote peer proxy broker
  brokers nameserver origin callback registry location upstream gateway feed`)
const COMMANDS = words('command commands cmd script bash shell code python argv exec program powershell sh')

/** What a value is by the name of its argument. */
export interface ArgumentName {
  readonly meaning: ArgumentMeaning
  /** What it has to do with a dataset, when anything. */
  readonly dataset: DatasetPart | undefined
}

const REMEMBERED = 4096
const REMEMBERED_LENGTH = 128
const names = new Map<string, ArgumentName>()

/** Reads the name of an argument; remembered, for the same few come with every call. */
export function argumentName(name: string): ArgumentName {
  const known = names.get(name)
  if (known !== undefined) {
    return known
  }
  const parts = name
    .slice(0, REMEMBERED_LENGTH)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((part) => part !== '')
  const read = { meaning: meaningOf(parts), dataset: datasetPartOf(parts) }
  if (names.size >= REMEMBERED) {
    names.clear()
  }
  if (name.length <= REMEMBERED_LENGTH) {
    names.set(ownCopy(name), read)
  }
  return read
}

function meaningOf(parts: readonly string[]): ArgumentMeaning {
  const has = (set: ReadonlySet<string>) => parts.some((part) => set.has(part))
  if (has(MENTIONS) || parts.join('') === 'replyto') {
    return 'mention'
  }
  if (has(RECIPIENTS) || parts.at(-1) === 'with') {
    return 'recipient'
  }
  if (has(HOSTS)) {
    return 'host'
  }
  if (has(ADDRESSES)) {
    return 'address'
  }
  return has(COMMANDS) ? 'command' : 'plain'
}

const DATASET_NOUNS: ReadonlyMap<string, DatasetPart> = new Map([
  ['table', 'table'],
  ['tables', 'table'],
  ['collection', 'collection'],
  ['collections', 'collection'],
  ['index', 'index'],
  ['indexes', 'index'],
  ['indices', 'index'],
  ['bucket', 'bucket'],
  ['buckets', 'bucket'],
  ['dataset', 'dataset'],
  ['datasets', 'dataset'],
  ['database', 'database'],
  ['db', 'database'],
  ['keyspace', 'database'],
  ['schema', 'schema'],
  ['project', 'project'],
  ['namespace', 'namespace'],
])
/** What may stand before such a noun. Of a `time_bucket`, a `start_index`, a `color_table` nothing is known. */
const BEFORE_NOUN =
  words(`source src target destination dest dst from to sql s3 gcs gs r2 minio storage bigquery bq dynamo dynamodb mongo
  mongodb postgres postgresql mysql snowflake vector search es elastic elasticsearch opensearch pinecone qdrant chroma milvus
  weaviate`)
const OPAQUE = words('knowledge_base vector_store data_source memory_store knowledgebase')

function datasetPartOf(parts: readonly string[]): DatasetPart | undefined {
  const ends = /^(?:name|names|id|ids)$/.test(parts.at(-1) ?? '')
  const noun = ends ? parts.slice(0, -1) : parts
  const whole = noun.join('_')
  if (whole === 'server' || whole === 'uri') {
    return whole
  }
  if (whole === 'resource_uri') {
    return 'resource'
  }
  if (OPAQUE.has(whole)) {
    return ends && parts.at(-1)?.startsWith('id') === true ? 'id' : undefined
  }
  if (whole === 'sql' || (noun[0] === 'sql' && /^(?:query|statement|text|command)$/.test(noun.slice(1).join('_')))) {
    return 'sql'
  }
  const part = DATASET_NOUNS.get(noun.at(-1) ?? '')
  return noun.length === 1 || (noun.length === 2 && BEFORE_NOUN.has(noun[0] as string)) ? part : undefined
}
