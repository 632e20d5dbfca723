/** For tests of the doors: an intake that keeps what it is given, and books that must balance. */
import { expect } from 'vitest'
import type { DecodedRequest, Intake } from '../collector.ts'
import type { DoorOptions } from './receive.ts'
import type { OtlpRecord } from './records.ts'

export class Ledger {
  readonly records: OtlpRecord[] = []
  readonly tenants: string[] = []
  readonly outcomes: Record<string, number> = {}
  authenticated = 0
  private received = 0

  /** Everything that a door needs, on any free port of this machine, for anybody. */
  readonly doorOptions: DoorOptions = {
    host: '127.0.0.1',
    port: 0,
    intake: this.intakeThat(() => undefined),
    authenticate: () => {
      this.authenticated++
      return { tenantId: 'default' }
    },
    count: (outcome, records) => this.count(outcome, records),
    received: (_signal, records) => {
      this.received += records
    },
  }

  /** An intake that waits for what `answer` gives, and throws it when it is an error. */
  intakeThat(answer: () => Promise<void> | Error | undefined): Intake {
    return {
      accept: async (request: DecodedRequest, tenantId: string) => {
        const result = await answer()
        if (result instanceof Error) {
          throw result
        }
        this.records.push(...request.records)
        this.tenants.push(tenantId)
        if (request.records.length > 0) {
          this.count('accepted', request.records.length)
        }
        for (const { reason, records } of request.rejected) {
          this.count(`rejected:${reason}`, records)
        }
      },
      fragments: () => [],
    }
  }

  /** Something to wait for. */
  gate(): { readonly opened: Promise<void>; readonly waiting: number; open(): void } {
    let open = () => {}
    let waiting = 0
    const promise = new Promise<void>((resolve) => {
      open = resolve
    })
    return {
      get opened() {
        waiting++
        return promise
      },
      get waiting() {
        return waiting
      },
      open: () => open(),
    }
  }

  /** received = sum of outcomes. */
  expectBalance(): void {
    expect(Object.values(this.outcomes).reduce((sum, records) => sum + records, 0)).toBe(this.received)
  }

  private count(outcome: string, records: number): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + records
  }
}
