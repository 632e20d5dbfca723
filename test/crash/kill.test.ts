import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Bus, StoredRecord, Topic } from '../../engine/bus/bus.ts'
import { openEmbeddedBus } from '../../engine/bus/embedded.ts'
import { type Compiled, compile, KILLS, run, runWithFileLimit, seeded } from './victim.ts'

const home = mkdtempSync(join(tmpdir(), 'telltale-kill-'))
const PATIENCE_MS = 30_000 + KILLS * 5000

const programs: Compiled[] = []

function compiled(program: string): Compiled {
  const made = compile(program)
  programs.push(made)
  return made
}

afterAll(() => {
  rmSync(home, { recursive: true, force: true })
  for (const program of programs) {
    program.remove()
  }
})

describe(`kill -9, ${KILLS} times (TELLTALE_KILLS)`, () => {
  test('loses no acknowledged append, tears none apart, and splits no commit', { timeout: PATIENCE_MS }, async () => {
    const program = compiled('append.ts')
    const random = seeded(1)
    const audit = new Audit()
    const directory = join(home, 'append')
    const first = await openEmbeddedBus({ directory, partitions: 2 })
    await everything(first, 'findings') // From now on the auditor is a group, and retention waits for it.
    await first.close()
    for (let kill = 1; kill <= KILLS; kill += 1) {
      const victim = run(program, directory, `${kill}`)
      // Counted in what it has said, so that a busy machine is killed as often in the middle as an idle one.
      await victim.said(1 + Math.floor(random() * 300))
      await sleep(random() * 5)
      await victim.kill()
      const bus = await openEmbeddedBus({ directory, partitions: 2, retention: { maxBytes: 256 * 1024 } })
      try {
        await audit.check(bus, victim.lines)
      } finally {
        await bus.close()
      }
    }
    expect(audit.acknowledged).toBeGreaterThan(KILLS)
    // One kill in ten falls between the disk and the acknowledgement; few kills may all miss.
    if (KILLS >= 100) {
      expect(audit.killsBeforeAcknowledgement).toBeGreaterThan(0)
    }
  })

  test('changes nothing of what a stage writes', { timeout: PATIENCE_MS }, async () => {
    const program = compiled('count.ts')
    const random = seeded(2)
    const directory = join(home, 'count')
    const keys = Array.from({ length: 1000 + KILLS * 500 }, () => `agent-${Math.floor(random() ** 2 * 50)}`)
    const isBad = (index: number) => index % 97 === 0
    const bus = await openEmbeddedBus({ directory, partitions: 2 })
    await bus.append(
      'events',
      keys.map((key, index) => ({ key, value: Buffer.from(isBad(index) ? 'bad' : '') })),
    )
    await bus.close()

    let killed = 0
    for (; killed < KILLS; killed += 1) {
      const victim = run(program, directory, `${1 + Math.floor(random() * 5)}`)
      await victim.said(1 + Math.floor(random() * 50))
      await sleep(random() * 5)
      await victim.kill()
      if ((await victim.ended) !== null) {
        break
      }
    }
    expect(await run(program, directory, '1000').ended).toBe(0)

    const after = await openEmbeddedBus({ directory, partitions: 2 })
    const seen = new Map<string, string[]>()
    for (const { key, value } of (await everything(after, 'findings')).flat()) {
      seen.set(key, [...(seen.get(key) ?? []), Buffer.from(value).toString()])
    }
    const letters = (await everything(after, 'dead_letters')).flat()
    await after.close()

    const counts = new Map<string, number>()
    keys.forEach((key, index) => {
      counts.set(key, (counts.get(key) ?? 0) + (isBad(index) ? 0 : 1))
    })
    expect(killed).toBe(KILLS)
    expect(letters).toHaveLength(keys.filter((_, index) => isBad(index)).length)
    const expected = [...counts].map(([key, count]): [string, string[]] => [
      key,
      Array.from({ length: count }, (_, index) => `${key}=${index + 1}`),
    ])
    expect(seen).toEqual(new Map(expected))
  })
})

describe.skipIf(process.platform === 'win32')('a disk that is full (a limit on file size stands in for it)', () => {
  test('refuses appends, loses none that it took, and is used again once there is room', async () => {
    const program = compiled('fill.ts')
    const directory = join(home, 'fill')
    const victim = runWithFileLimit(program, 8, directory)
    expect(await victim.ended).toBe(0)
    const acknowledged = victim.lines.filter((line) => /^\d+$/.test(line))
    expect(victim.lines.at(-1)).toBe('refused Unavailable,Unavailable,Unavailable')
    expect(acknowledged.length).toBeGreaterThan(20)
    const bus = await openEmbeddedBus({ directory })
    await bus.append('events', [{ key: 'a', value: Buffer.from('after ') }])
    const values = (await everything(bus, 'events'))
      .flat()
      .map(({ value }) => Buffer.from(value).toString().split(' ')[0])
    await bus.close()
    expect(values).toEqual([...acknowledged, 'after'])
  })
})

/** What must hold of the bus after any number of kills. */
class Audit {
  acknowledged = 0
  /** Kills after which something was there that nobody had been told of: the kill fell where it can hurt. */
  killsBeforeAcknowledgement = 0
  /** Records of each append seen so far, in `findings`, over all kills. */
  readonly #said = new Map<string, number>()
  /** Records said so far, by partition. */
  readonly #outputs: number[] = []

  async check(bus: Bus, acknowledged: readonly string[]): Promise<void> {
    const before = this.#said.size
    await this.#checkCommits(bus)
    await this.#sayTheRest(bus)
    const torn = [...this.#said].filter(([, missing]) => missing !== 0)
    expect(torn, 'appends of which only a part is there').toEqual([])
    const lost = acknowledged.filter((id) => !this.#said.has(id))
    expect(lost, 'acknowledged appends that are gone').toEqual([])
    this.acknowledged += acknowledged.length
    if (this.#said.size - before > acknowledged.length) {
      this.killsBeforeAcknowledgement += 1
    }
  }

  /** Outputs, state and offset of the consumer agree: each commit is there whole or not at all. */
  async #checkCommits(bus: Bus): Promise<void> {
    const places = (await bus.lag()).filter(({ group }) => group === 'count')
    const findings = new Map<string, number>()
    for (const partition of await everything(bus, 'findings')) {
      for (const record of partition) {
        findings.set(record.key, (findings.get(record.key) ?? 0) + 1)
        this.#see(record)
      }
    }
    const said = await saidInState(bus)
    for (const { partition, committed } of places) {
      expect(said.get(partition) ?? 0, 'state and offset').toBe(committed)
      this.#outputs[partition] = (this.#outputs[partition] ?? 0) + (findings.get(`${partition}`) ?? 0)
      expect(this.#outputs[partition], 'outputs and offset').toBe(committed)
    }
  }

  /** Commits what is left, so that the next life begins with nothing unread and all of it has been seen. */
  async #sayTheRest(bus: Bus): Promise<void> {
    const stop = new AbortController()
    let idle = 0
    await bus.consume(
      { group: 'count', topic: 'events' },
      async (assignment) => {
        let said = 0
        for await (const { value } of assignment.restore()) {
          said = Number(Buffer.from(value).toString())
        }
        for (;;) {
          const records = await assignment.read({ maxRecords: 1000, waitMs: 0 })
          if (records.length === 0) {
            break
          }
          for (const record of records) {
            this.#see(record)
          }
          said += records.length
          this.#outputs[assignment.partition] = (this.#outputs[assignment.partition] ?? 0) + records.length
          const state = [{ key: 'said', value: Buffer.from(`${said}`) }]
          await assignment.commit({ next: (records.at(-1)?.offset ?? 0) + 1, outputs: [], state })
        }
        idle += 1
        if (idle === 2) {
          stop.abort()
        }
      },
      stop.signal,
    )
  }

  #see({ value }: StoredRecord): void {
    const { id, count } = JSON.parse(Buffer.from(value).toString()) as { id: string; count: number }
    this.#said.set(id, (this.#said.get(id) ?? count) - 1)
  }
}

/** The records of a topic since the last call, by partition. */
async function everything(bus: Bus, topic: Topic): Promise<StoredRecord[][]> {
  const partitions: StoredRecord[][] = []
  await bus.consume(
    { group: 'auditor', topic },
    async (assignment) => {
      const records: StoredRecord[] = []
      partitions[assignment.partition] = records
      for (;;) {
        const batch = await assignment.read({ maxRecords: 1000, waitMs: 0 })
        const last = batch.at(-1)
        if (last === undefined) {
          return
        }
        records.push(...batch)
        await assignment.commit({ next: last.offset + 1, outputs: [], state: [] })
      }
    },
    new AbortController().signal,
  )
  return partitions
}

async function saidInState(bus: Bus): Promise<Map<number, number>> {
  const said = new Map<number, number>()
  await bus.consume(
    { group: 'count', topic: 'events' },
    async (assignment) => {
      for await (const { value } of assignment.restore()) {
        said.set(assignment.partition, Number(Buffer.from(value).toString()))
      }
    },
    new AbortController().signal,
  )
  return said
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
