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

/** Who we are, or what we may: for the operator to mend. */
const CREDENTIALS = new Set(['192', '193', '194', '497', '516'])

/** A table or database that is not there: the engine began afresh and the migrations must run again. */
const ABSENT = new Set(['60', '81'])

/**
 * Maps what `@clickhouse/client` throws. A refused row is `Rejected('unstorable')`; everything else that a server,
 * its disk, its memory or the way to it can do is `Unavailable`: nothing is known about the rows, try again. A
 * statement that no server would take is a bug, and stays an `Error`; wrong credentials are `Misconfigured`.
 */
export function storeError(error: unknown): Error {
  if (error instanceof ClickHouseError && ROW_ERRORS.has(error.code)) {
    return new Rejected('unstorable', `The store refuses a row: ${firstLine(error.message)}`, { cause: error })
  }
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof ClickHouseError && BUGS.has(error.code)) {
    return new Error(`The store does not understand us: ${firstLine(message)}`, { cause: error })
  }
  if (error instanceof ClickHouseError && CREDENTIALS.has(error.code)) {
    return new Misconfigured([
      {
        file: 'store',
        message: `ClickHouse refuses us: ${firstLine(message)}`,
        suggestion: 'check user, password and grants',
      },
    ])
  }
  return new Unavailable(`The store does not answer: ${firstLine(message)}`, { retryAfterMs: 500, cause: error })
}

/** Whether ClickHouse knows us and does not allow this. */
export function isDenied(error: unknown): boolean {
  return error instanceof ClickHouseError && error.code === '497'
}

/** Whether the statement named a table that is not there. */
export function isAbsentTable(error: unknown): boolean {
  return error instanceof ClickHouseError && ABSENT.has(error.code)
}

function firstLine(message: string): string {
  return (message.split('\n', 1)[0] ?? '').slice(0, 300)
}
