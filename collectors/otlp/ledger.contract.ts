/** For tests of the doors: an intake that keeps what it is given, and books that must balance. */
import { afterEach, beforeEach, expect } from 'vitest'
import type { Collector, DecodedRequest, Intake } from '../collector.ts'
import type { DoorOptions } from './receive.ts'
import type { OtlpRecord } from './records.ts'

/** A door of a kind, at most one at a time: closed after each test, and then its books must balance. */
export function useDoor(start: (options: DoorOptions) => Promise<Collector>) {
  let door: Collector | undefined
  const fixture = {
    ledger: new Ledger(),
    address: '',
    /** Gives the address. */
    open: async (options: Partial<DoorOptions> = {}): Promise<string> => {
      door = await start({ ...fixture.ledger.doorOptions, ...options })
      fixture.address = door.address
      return fixture.address
    },
    close: async (): Promise<void> => {
      const closing = door?.close()
      door = undefined
      await closing
    },
  }
  beforeEach(() => {
    fixture.ledger = new Ledger()
  })
  afterEach(async () => {
    await fixture.close()
    fixture.ledger.expectBalance()
  })
  return fixture
}

export class Ledger {
  readonly records: OtlpRecord[] = []
  readonly tenants: string[] = []
  readonly outcomes: Record<string, number> = {}
  /** By signal. */
  readonly received: Record<string, number> = {}
  authenticated = 0

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
    received: (signal, records) => {
      this.received[signal] = (this.received[signal] ?? 0) + records
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
    expect(sum(this.outcomes)).toBe(sum(this.received))
  }

  private count(outcome: string, records: number): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + records
  }
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, records) => total + records, 0)
}
