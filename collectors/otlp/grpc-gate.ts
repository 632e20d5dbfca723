/**
 * Decides whether a gRPC call may send its message, before a byte of it is read: grpc-js leaves the stream paused
 * until the call has passed its interceptors.
 */
import { Metadata, ServerInterceptingCall, type ServerInterceptor, type StatusObject } from '@grpc/grpc-js'
import type { Claim, InFlight } from './in-flight.ts'
import type { Authenticate, DoorLimits } from './receive.ts'
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

interface GateOptions {
  readonly authenticate: Authenticate
  readonly limits: DoorLimits
  readonly inFlight: InFlight
}

/** The status that tells a client to come back: without `RetryInfo` some of them would not. */
export function retryLater(message: string, retryAfterMs: number): CallStatus {
  const metadata = new Metadata()
  metadata.set('grpc-status-details-bin', encodeRetryStatus(CODE.unavailable, message, retryAfterMs))
  return { code: CODE.unavailable, details: message, metadata }
}

/** An interceptor that authenticates calls, bounds how many are open and what they hold, and ends those that dawdle. */
export function createGate(door: GateOptions, admissions: Admissions): ServerInterceptor {
  let open = 0
  return (_method, call) => {
    const claim: Claim = door.inFlight.claim()
    let timer: NodeJS.Timeout | undefined
    let admission: Admission | undefined
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
            if ('code' in tenant) {
              call.sendStatus(tenant)
              return
            }
            open++
            timer = setTimeout(() => {
              call.sendStatus({ code: CODE.deadlineExceeded, details: 'the message took too long to arrive' })
            }, door.limits.requestMs)
            admission = { tenantId: tenant.tenantId, claim, served: false }
            admissions.set(metadata, admission)
            pass(metadata)
          },
          onReceiveMessage: (message, pass) => {
            if (claim.add(message.length)) {
              pass(message)
            } else {
              call.sendStatus(retryLater('too much is being processed', 1000))
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
            }
          },
        })
      },
    })
  }
}

function admit(metadata: Metadata, door: GateOptions, open: number): { readonly tenantId: string } | CallStatus {
  const authorization = metadata.get('authorization')
  const identity = door.authenticate(authorization.length === 1 ? String(authorization[0]) : undefined)
  if (identity === 'unauthenticated') {
    return { code: CODE.unauthenticated, details: 'a valid key is needed: authorization: Bearer KEY' }
  }
  if (identity === 'forbidden') {
    return { code: CODE.permissionDenied, details: 'this key may not send telemetry' }
  }
  return open >= door.limits.openCalls || !door.inFlight.admits(1)
    ? retryLater('too much is being processed', 1000)
    : identity
}
