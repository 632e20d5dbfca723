/** What goes wrong at Kafka, in the words of this house. */
import { Unavailable } from '../../../schema/errors.ts'
import { UnknownCompression } from './record-batch.ts'

/** What brokers answer when the credentials are right but may not do this. */
const DENIED = /AUTHORIZATION_FAILED$/
/** Of kafkajs' errors, and of what brokers answer, as `UNSUPPORTED_SASL_MECHANISM`. */
const SASL_FAILED = /^(SASL|KafkaJSSASL)/
const SASL_ANSWER = /SASL/

interface Fault extends Error {
  readonly type?: string
  readonly code?: string | number
}

/** The name of what a broker answered, as `NOT_LEADER_FOR_PARTITION`; undefined when no broker answered. */
export function answerOf(error: unknown): string | undefined {
  const { type, cause } = error as Fault
  return type ?? (cause === undefined || cause === null ? undefined : (cause as Fault).type)
}

/** kafkajs' word for a broker that took the connection and then said nothing: it goes on as if it were connected. */
const NOT_CONNECTED = 'Broker not connected'
/** Of an authentication that ended because the connection did. */
const BROKEN_OFF = /connection|closed|time/i

/** Whether kafkajs keeps a connection that is none, for as long as nobody cuts it. */
export function isPoisoned(error: unknown): boolean {
  return (error as Fault).message === NOT_CONNECTED
}

/** Whether the cluster was reached and refuses us: wrong credentials, or a missing right. */
export function isRefusal(error: unknown): boolean {
  const { name, message } = error as Fault
  const answer = answerOf(error) ?? ''
  const isAnswered = DENIED.test(answer) || SASL_ANSWER.test(answer)
  const isAuthentication = SASL_FAILED.test(name) || /SASL.*fail|authentication fail/i.test(message)
  return isAnswered || (isAuthentication && !BROKEN_OFF.test(message))
}

/**
 * What Kafka, the network and kafkajs throw, as `Unavailable`. Everything else is a bug and comes back as it is.
 *
 * @param what was tried, as in `cannot <what>`.
 */
export function unavailable(error: unknown, what: string): unknown {
  const fault = error as Fault
  if (fault instanceof Unavailable || fault instanceof UnknownCompression) {
    return fault
  }
  const isAnswered = fault.name?.startsWith('KafkaJS') || fault.type !== undefined
  const isForeign = isAnswered || typeof fault.code === 'string' || isPoisoned(fault)
  return isForeign ? new Unavailable(`cannot ${what}: ${reasonOf(fault)}`, { cause: error }) : fault
}

function reasonOf(fault: Fault): string {
  const type = answerOf(fault)
  if (type !== undefined && DENIED.test(type)) {
    return `the brokers do not allow it (${type}): give the user that sasl names the right to`
  }
  return type === undefined ? fault.message : `${fault.message} (${type})`
}
