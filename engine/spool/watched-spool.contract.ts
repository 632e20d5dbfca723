/** A spool for tests, in a directory of its own, whose states can be waited for. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSpool, type Spool, type SpoolOptions, type SpoolState } from '../spool.ts'
import { FlakyRemote } from './flaky-remote.contract.ts'

export type Settings = Omit<Partial<SpoolOptions>, 'directory' | 'remote' | 'onState'>

export class WatchedSpool {
  readonly directory = mkdtempSync(join(tmpdir(), 'telltale-spool-'))
  readonly remote = new FlakyRemote()
  /** Every state that was told, of all lives. */
  readonly states: SpoolState[] = []
  #spool: Spool | undefined
  #looks = new Set<() => void>()

  get spool(): Spool {
    if (this.#spool === undefined) {
      throw new Error('the spool is not open')
    }
    return this.#spool
  }

  async open(settings: Settings = {}): Promise<Spool> {
    const onState = (state: SpoolState): void => {
      this.states.push(state)
      for (const look of this.#looks) {
        look()
      }
    }
    this.#spool = await openSpool({ ...settings, directory: this.directory, remote: this.remote, onState })
    return this.#spool
  }

  /** Resolves once such a state was told, or is there now. */
  when(is: (state: SpoolState) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (is(this.spool.state)) {
          this.#looks.delete(look)
          resolve()
        }
      }
      this.#looks.add(look)
      look()
    })
  }

  /** Resolves when all is drained and records go straight. */
  drained(): Promise<void> {
    return this.when(({ isSpooling }) => !isSpooling)
  }

  /** Appends the values under one key. */
  async append(key: string, ...values: readonly string[]): Promise<void> {
    await this.spool.append(
      'fragments',
      values.map((value) => ({ key, value: Buffer.from(value) })),
    )
  }

  async end(): Promise<void> {
    this.remote.answer(false)
    await this.#spool?.close(0)
    rmSync(this.directory, { recursive: true, force: true })
  }
}
