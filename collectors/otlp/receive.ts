/** What both OTLP doors do with a body once their protocol has delivered it: decode, hand over, say what became of it. */
import { Rejected, Unavailable } from '../../schema/errors.ts'
import type { CountOutcome, DecodedRequest, Intake } from '../collector.ts'
import { type Decoded, decodeOtlp } from './decode.ts'
import type { Claim, InFlight } from './in-flight.ts'
import type { DecodeLimits } from './limits.ts'

export type Signal = 'traces' | 'logs' | 'metrics'
export type Encoding = 'protobuf' | 'json'
/** What a request is counted under: its signal, or `none` when it asked for nothing that is here. */
export type CountedSignal = Signal | 'none'

/** Says who sends, from the `Authorization` header alone, before anything else of the request is looked at. */
export type Authenticate = (
  authorization: string | undefined,
) => { readonly tenantId: string } | 'unauthenticated' | 'forbidden'

/** Limits of a door. Sizes in bytes, times in milliseconds. */
export interface DoorLimits {
  /** A body as it is sent, when compressed. */
  readonly compressedBytes: number
  /** A body once inflated, or sent without compression. */
  readonly bodyBytes: number
  readonly connections: number
  /** gRPC calls that have been let in and whose message has not arrived yet. */
  readonly openCalls: number
  /** From the first byte of a request to its last. */
  readonly requestMs: number
  readonly headersMs: number
  readonly keepAliveMs: number
  /** A gRPC connection without calls. */
  readonly idleMs: number
  /** How long `close` waits for clients before it hangs up. */
  readonly closeMs: number
}

export const DOOR_LIMITS: DoorLimits = {
  compressedBytes: 4 * 1024 * 1024,
  bodyBytes: 16 * 1024 * 1024,
  connections: 1024,
  openCalls: 32,
  requestMs: 30_000,
  headersMs: 10_000,
  keepAliveMs: 15_000,
  idleMs: 300_000,
  closeMs: 10_000,
}

/** Bytes of requests that all doors of a process may hold at once, by default. */
export const IN_FLIGHT_BYTES = 64 * 1024 * 1024

/** What a door needs to open. */
export interface DoorOptions {
  readonly host: string
  /** 0 for any free port; the collector's `address` says which. */
  readonly port: number
  readonly intake: Intake
  readonly authenticate: Authenticate
  /** The end of records that the intake never accepted. What it accepted, it counts itself, rejected records included. */
  readonly count: CountOutcome
  /** Every record that was received, a request whose records never became known being one. Balances with the outcomes. */
  readonly received: (signal: CountedSignal, records: number) => void
  readonly limits?: Partial<DoorLimits>
  readonly decodeLimits?: Partial<DecodeLimits>
  /** Share one between doors, so that they are bounded together. */
  readonly inFlight?: InFlight
  /** Told of an error that nobody expected, after the client was. By default it is thrown, which ends the process. */
  readonly bug?: (error: unknown) => void
}

/** What to tell the sender of an accepted request. Nothing rejected and no message: plain success. */
export interface Receipt {
  readonly rejected: number
  readonly message: string
}

const ACCEPTED: Receipt = { rejected: 0, message: '' }

/** A body that has arrived. */
interface Arrival {
  readonly signal: Signal
  readonly encoding: Encoding
  readonly tenantId: string
  /** Pays for what the records take beyond the body, which it has paid for already. */
  readonly claim: Claim
}

/**
 * Counts a request whose records never became known, because it was refused before its body was read or decoded: it is
 * one record. The doors call it for whatever they do not hand to `receive`, so that every request is counted once.
 */
export function countUnread(
  { received, count }: Pick<DoorOptions, 'count' | 'received'>,
  signal: CountedSignal,
  outcome: string,
): void {
  received(signal, 1)
  count(outcome, 1)
}

/**
 * Takes in one request body; resolves when what was accepted is durable. Throws `Rejected` when it cannot be
 * decoded and `Unavailable` when the sender should come back, both already counted.
 */
export async function receive(
  body: Uint8Array,
  arrival: Arrival,
  door: Pick<DoorOptions, 'intake' | 'count' | 'received' | 'decodeLimits'>,
): Promise<Receipt> {
  const { signal, encoding, tenantId, claim } = arrival
  if (signal === 'metrics') {
    countUnread(door, signal, 'ignored:metrics')
    return ACCEPTED
  }
  const decoded = decode(body, signal, encoding, door)
  const rejected = decoded.rejected.reduce((sum, { records }) => sum + records, 0)
  const total = decoded.records.length + rejected
  door.received(signal, total)
  // Two bytes on the wire can become four hundred in memory.
  if (!claim.add(Math.max(0, decoded.heapBytes - body.length))) {
    door.count('refused:unavailable', total)
    throw new Unavailable('too much is being processed')
  }
  const receipt = { rejected, message: describe(decoded) }
  // Not awaited here: what waits for the disk must keep neither the body nor its records in memory.
  return total > 0 ? handOver(decoded, tenantId, total, door).then(() => receipt) : receipt
}

function decode(
  body: Uint8Array,
  signal: 'traces' | 'logs',
  encoding: Encoding,
  door: Pick<DoorOptions, 'count' | 'received' | 'decodeLimits'>,
): Decoded {
  try {
    return decodeOtlp(body, { signal, encoding, limits: door.decodeLimits ?? {} })
  } catch (error) {
    if (error instanceof Rejected) {
      countUnread(door, signal, `rejected:${error.reason}`)
    }
    throw error
  }
}

/**
 * The intake counts every record of a request that it accepts, those that were rejected too. When it throws it has
 * counted nothing: the whole request ends here, and will be sent again.
 */
function handOver(
  decoded: DecodedRequest,
  tenantId: string,
  total: number,
  { intake, count }: Pick<DoorOptions, 'intake' | 'count'>,
): Promise<void> {
  return intake.accept(decoded, tenantId).catch((error: unknown) => {
    if (error instanceof Rejected) {
      count(`rejected:${error.reason}`, total)
    } else {
      count(error instanceof Unavailable ? 'refused:unavailable' : 'rejected:internal-error', total)
    }
    throw error
  })
}

function describe(decoded: DecodedRequest): string {
  const rejected = decoded.rejected.map(({ reason, records }) => `${records} rejected: ${reason}`)
  return [...rejected, ...decoded.warnings].join('; ')
}
