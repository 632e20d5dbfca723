/** What went wrong between us and ClickHouse, as one of the project's errors. */
import { ClickHouseError } from '@clickhouse/client'
import { Misconfigured, Rejected, Unavailable } from '../schema/errors.ts'

/** Errors of the rows themselves: the same rows will never be accepted. By ClickHouse code. */
const ROW_ERRORS = new Set([
  '6', // CANNOT_PARSE_TEXT
  '25', // CANNOT_PARSE_ESCAPE_SEQUENCE
  '26', // CANNOT_PARSE_QUOTED_STRING
  '27', // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  '33', // CANNOT_READ_ALL_DATA
  '38', // CANNOT_PARSE_DATE
  '41', // CANNOT_PARSE_DATETIME
  '72', // CANNOT_PARSE_NUMBER
  '117', // INCORRECT_DATA
  '306', // TOO_DEEP_RECURSION
  '321', // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  '395', // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO, from our views
])

/** Statements that no server would take: ours are wrong, and trying again will not help. */
const BUGS = new Set(['36', '42', '43', '46', '47', '53', '62', '70', '184', '215', '386'])

/** Only the operator can mend these, and what to do. By ClickHouse code. */
const OPERATORS: ReadonlyMap<string, string> = new Map([
  ['139', 'define the macros shard and replica on every server'], // NO_ELEMENTS_IN_CONFIG
  ['164', 'give store.username a profile without readonly'], // READONLY
  ['170', 'set store.cluster to a name in system.clusters'], // BAD_GET, for CLUSTER_DOESNT_EXIST of older servers
  ['192', 'check store.username and store.password'], // UNKNOWN_USER
  ['193', 'check store.username and store.password'], // WRONG_PASSWORD
  ['194', 'check store.username and store.password'], // REQUIRED_PASSWORD
  ['225', 'configure ClickHouse Keeper on every server of the cluster'], // NO_ZOOKEEPER
  ['392', 'configure distributed_ddl and ClickHouse Keeper on every server of the cluster'], // QUERY_IS_PROHIBITED
  ['452', 'allow the settings in the profile of store.username'], // SETTING_CONSTRAINT_VIOLATION
  ['497', 'grant what it names to store.username'], // ACCESS_DENIED
  ['516', 'check store.username and store.password'], // AUTHENTICATION_FAILED
  ['701', 'set store.cluster to a name in system.clusters'], // CLUSTER_DOESNT_EXIST
])

/** What certificates can have, by the code of OpenSSL. The server may be anybody: nothing was sent to it. */
const UNTRUSTED = new Set([
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** A table or database that is not there: the engine began afresh and the migrations must run again. */
const ABSENT = new Set(['60', '81'])

/**
 * Maps what `@clickhouse/client` throws. A refused row is `Rejected('unstorable')`; what the operator must mend is
 * `Misconfigured`; a statement that no server would take is a bug, and stays an `Error`. Everything else that a
 * server, its disk, its memory, its keeper or the way to it can do is `Unavailable`: nothing is known about the rows,
 * try again. Errors that are ours already stay as they are.
 */
export function storeError(error: unknown): Error {
  if (error instanceof Unavailable || error instanceof Rejected || error instanceof Misconfigured) {
    return error
  }
  const message = firstLine(error instanceof Error ? error.message : String(error))
  if (error instanceof ClickHouseError) {
    if (ROW_ERRORS.has(error.code)) {
      return new Rejected('unstorable', `The store refuses a row: ${message}`, { cause: error })
    }
    if (BUGS.has(error.code)) {
      return new Error(`The store does not understand us: ${message}`, { cause: error })
    }
    const suggestion = OPERATORS.get(error.code)
    if (suggestion !== undefined) {
      return misconfigured(`ClickHouse refuses us: ${message}`, grantOf(message) ?? suggestion)
    }
  }
  if (UNTRUSTED.has((error as NodeJS.ErrnoException | undefined)?.code ?? '')) {
    return misconfigured(`ClickHouse's certificate is not trusted: ${message}`, 'check store.url and store.tls.ca')
  }
  return new Unavailable(`The store does not answer: ${message}`, { retryAfterMs: 500, cause: error })
}

function misconfigured(message: string, suggestion: string): Misconfigured {
  return new Misconfigured([{ file: 'store', message, suggestion }])
}

/** The statement that gives us what ClickHouse says we lack. */
function grantOf(message: string): string | undefined {
  const [, user, grant] = /^(?:Code: 497\. DB::Exception: )?(\S+): .* have the grant (.+ ON [^ )]+)/.exec(message) ?? []
  return user === undefined || grant === undefined ? undefined : `GRANT ${grant.replace(/\.$/, '')} TO ${user}`
}

/** Whether ClickHouse knows us and does not allow this. */
export function isDenied(error: unknown): boolean {
  return error instanceof ClickHouseError && error.code === '497'
}

/** Whether the statement named a table that is not there. */
export function isAbsentTable(error: unknown): boolean {
  const { cause } = error instanceof Error ? error : {}
  return [error, cause].some((known) => known instanceof ClickHouseError && ABSENT.has(known.code))
}

function firstLine(message: string): string {
  return (message.split('\n', 1)[0] ?? '').slice(0, 300)
}
