import { describe, expect, it } from 'vitest'
import { Owners, type Ownership } from './owners.ts'

/** Owners that return when they are told to, and what happened to them. */
function watched() {
  const running: { readonly ownership: Ownership; readonly end: () => void; readonly fail: (error: Error) => void }[] =
    []
  const failures: unknown[] = []
  const owners = new Owners(
    (ownership) => new Promise<void>((end, fail) => running.push({ ownership, end, fail })),
    (error) => failures.push(error),
  )
  const states = () =>
    running.map(({ ownership: { partition, signal, isLost } }) => [
      partition,
      isLost ? 'lost' : signal.aborted ? 'stopping' : 'working',
    ])
  return { owners, running, failures, states }
}

/** What was started or ended has been noticed. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('owners of partitions', () => {
  it('go on when the group is dealt anew and what they own stays', async () => {
    const { owners, states } = watched()
    owners.assign([0, 1], true)
    await settled()
    owners.assign([1, 2], true)
    await settled()
    expect(states()).toEqual([
      [0, 'lost'],
      [1, 'working'],
      [2, 'working'],
    ])
  })

  it('all lose what they own when others may have owned it meanwhile', async () => {
    const { owners, states } = watched()
    owners.assign([0], true)
    await settled()
    owners.assign([0], false)
    await settled()
    expect(states()).toEqual([[0, 'lost']])
  })

  it('follow one another: who is slow to let go is waited for', async () => {
    const { owners, running, states } = watched()
    owners.assign([0], true)
    await settled()
    owners.assign([], true)
    owners.assign([0], true)
    await settled()
    expect(states()).toEqual([[0, 'lost']])
    running[0]?.end()
    await settled()
    expect(states()).toEqual([
      [0, 'lost'],
      [0, 'working'],
    ])
  })

  it('that were taken back before they began never begin, and the next waits for the one before them', async () => {
    const { owners, running, states } = watched()
    owners.assign([0], true)
    await settled()
    owners.assign([], true)
    owners.assign([0], true)
    owners.assign([], true)
    owners.assign([0], true)
    await settled()
    expect(states()).toEqual([[0, 'lost']])
    running[0]?.end()
    await settled()
    expect(states()).toEqual([
      [0, 'lost'],
      [0, 'working'],
    ])
  })

  it('are told to stop and waited for, and have lost nothing', async () => {
    const { owners, running, states } = watched()
    owners.assign([0, 1], true)
    await settled()
    let isStopped = false
    const stopping = owners.stop().then(() => {
      isStopped = true
    })
    running[0]?.end()
    await settled()
    expect(isStopped).toBe(false)
    expect(states()).toEqual([
      [0, 'stopping'],
      [1, 'stopping'],
    ])
    running[1]?.end()
    await stopping
  })

  it('are not started any more once they are to stop, and may still lose what they own', async () => {
    const { owners, running, states } = watched()
    owners.assign([0, 1], true)
    await settled()
    const stopping = owners.stop()
    owners.assign([1, 2], true)
    for (const { end } of running) {
      end()
    }
    await stopping
    expect(states()).toEqual([
      [0, 'lost'],
      [1, 'stopping'],
    ])
  })

  it('that fail are told of', async () => {
    const { owners, running, failures } = watched()
    owners.assign([0], true)
    await settled()
    running[0]?.fail(new Error('bug'))
    await settled()
    expect(failures).toEqual([new Error('bug')])
  })
})
