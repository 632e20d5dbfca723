/** Running the writer in tests. */
import type { Store } from '../store/store.ts'
import type { Bus } from './bus/bus.ts'
import { runWriter, WRITE_GROUP, type WriterRun, type WrittenBatch } from './write.ts'

/** Runs the writer until the topic is written and committed. */
export async function writeAll(
  bus: Bus,
  store: Pick<Store, 'insert' | 'hasBatch'>,
  run: Partial<WriterRun> = {},
): Promise<WrittenBatch[]> {
  const stop = new AbortController()
  const batches: WrittenBatch[] = []
  const running = runWriter({
    bus,
    store: store as Store,
    signal: stop.signal,
    topics: ['events'],
    limits: { intervalMs: 20 },
    onBatch: (batch) => batches.push(batch),
    ...run,
  })
  const isDone = async () => {
    const mine = (await bus.lag()).filter(({ group }) => group === WRITE_GROUP)
    return mine.length > 0 && mine.every(({ committed, end }) => committed === end)
  }
  try {
    do {
      await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 10))])
    } while (!(await isDone()))
  } finally {
    stop.abort()
    await running
  }
  return batches
}

/** Whether the writer ended as by a death that a test asked for; any other error is thrown on. */
export function isDeath(error: unknown): boolean {
  if (error instanceof Error && error.message === 'killed') {
    return true
  }
  throw error
}
