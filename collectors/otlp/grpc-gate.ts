/**
 * Decides whether a gRPC call may send its message, before a byte of it is read: grpc-js leaves the stream paused
 * until the call has passed its interceptors.
 */
import { Metadata, ServerInterceptingCall, type ServerInterceptor, type StatusObject } from '@grpc/grpc-js'
import type { Claim, InFlight } from './in-flight.ts'
import { countUnread, type DoorLimits, type DoorOptions, type Signal } from './receive.ts'
import { CODE, encodeRetryStatus } from './replies.ts'

/** A call that was let in. */
export interface Admission {
  readonly tenantId: string
  /** What the call holds; released by whoever ends it. */
  readonly claim: Claim
  /** Set when the call has been handed to its service, which then ends it. */
  served: boolean
}

/** Which call was let in for whom, by the metadata object that travels with the call. */
export type Admissions = WeakMap<Metadata, Admission>

/** How a call ends. */
export type CallStatus = Pick<StatusObject, 'code' | 'details'> & { metadata?: Metadata }

interface GateOptions extends Pick<DoorOptions, 'authenticate' | 'count' | 'received'> {
  readonly limits: DoorLimits
  readonly inFlight: InFlight
  /** By the path of the method. */
  readonly signals: ReadonlyMap<string, Signal>
}

/** A call that the gate ends, and what it is counted as. */
interface CallRefusal {
  readonly status: CallStatus
  readonly outcome: string
}

/** The status that tells a client to come back: without `RetryInfo` some of them would not. */
export function retryLater(message: string, retryAfterMs: number): CallStatus {
  const metadata = new Metadata()
  metadata.set('grpc-status-details-bin', encodeRetryStatus(CODE.unavailable, message, retryAfterMs))
  return { code: CODE.unavailable, details: message, metadata }
}

/**
 * An interceptor that authenticates calls, bounds how many are open and what they hold, and ends those that dawdle.
 * It counts every call that never reaches its service.
 */
export function createGate(door: GateOptions, admissions: Admissions): ServerInterceptor {
  let open = 0
  return (method, call) => {
    const claim: Claim = door.inFlight.claim()
    let timer: NodeJS.Timeout | undefined
    let admission: Admission | undefined
    // What grpc-js itself refuses (too large, not to be decompressed, no message, a deadline of its own), and calls
    // that clients give up, look alike from here.
    let outcome = 'rejected:unreadable-request'
    const refuse = (refusal: CallRefusal) => {
      outcome = refusal.outcome
      call.sendStatus(refusal.status)
    }
    // Ends the time in which the message may come: when it is complete, or when the call has ended.
    const arrived = () => {
      if (timer !== undefined) {
        clearTimeout(timer)
        timer = undefined
        open--
      }
    }
    return new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, pass) => {
            const tenant = admit(metadata, door, open)
            if ('outcome' in tenant) {
              refuse(tenant)
              return
            }
            open++
            timer = setTimeout(() => refuse(TOO_SLOW), door.limits.requestMs)
            admission = { tenantId: tenant.tenantId, claim, served: false }
            admissions.set(metadata, admission)
            pass(metadata)
          },
          onReceiveMessage: (message, pass) => {
            if (claim.add(message.length)) {
              pass(message)
            } else {
              refuse(tooMuch())
            }
          },
          onReceiveHalfClose: (pass) => {
            arrived()
            pass()
          },
          // Also called when a call has ended as it should.
          onCancel: () => {
            arrived()
            if (admission?.served !== true) {
              claim.release()
              countUnread(door, door.signals.get(method.path) ?? 'none', outcome)
            }
          },
        })
      },
    })
  }
}

const TOO_SLOW: CallRefusal = {
  status: { code: CODE.deadlineExceeded, details: 'the message took too long to arrive' },
  outcome: 'rejected:incomplete-request',
}

function tooMuch(): CallRefusal {
  return { status: retryLater('too much is being processed', 1000), outcome: 'refused:unavailable' }
}

function admit(metadata: Metadata, door: GateOptions, open: number): { readonly tenantId: string } | CallRefusal {
  const authorization = metadata.get('authorization')
  const identity = door.authenticate(authorization.length === 1 ? String(authorization[0]) : undefined)
  if (identity === 'unauthenticated') {
    const details = 'a valid key is needed: authorization: Bearer KEY'
    return { status: { code: CODE.unauthenticated, details }, outcome: 'rejected:unauthenticated' }
  }
  if (identity === 'forbidden') {
    const details = 'this key may not send telemetry'
    return { status: { code: CODE.permissionDenied, details }, outcome: 'rejected:forbidden' }
  }
  return open >= door.limits.openCalls || !door.inFlight.admits(1) ? tooMuch() : identity
}
