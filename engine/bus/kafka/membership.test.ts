import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Broker, kafkajs } from './kafkajs.ts'
import type { Link } from './link.ts'
import { Membership } from './membership.ts'

const ILLEGAL_GENERATION = 22

/** A group in memory of one member, which is let in when the test says so. */
function groupOfOne() {
  let letIn = () => {}
  const isLetIn = new Promise<void>((resolve) => {
    letIn = resolve
  })
  let hear = () => {}
  const asked = new Promise<void>((resolve) => {
    hear = resolve
  })
  const broker: Pick<Broker, 'joinGroup' | 'syncGroup' | 'heartbeat' | 'leaveGroup'> = {
    joinGroup: async ({ groupProtocols }) => {
      hear()
      await isLetIn
      const memberMetadata = groupProtocols[0]?.metadata ?? Buffer.alloc(0)
      return { generationId: 1, leaderId: 'm', memberId: 'm', members: [{ memberId: 'm', memberMetadata }] }
    },
    syncGroup: async ({ groupAssignment }) => {
      return { memberAssignment: groupAssignment[0]?.memberAssignment ?? Buffer.alloc(0) }
    },
    heartbeat: async ({ groupGenerationId }) => {
      await turn()
      if (groupGenerationId !== 1) {
        throw kafkajs.errorOf(ILLEGAL_GENERATION)
      }
    },
    leaveGroup: async () => undefined,
  }
  const link = {
    open: async () => undefined,
    refresh: async () => undefined,
    partitions: () => [{}, {}],
    coordinator: (_: string, __: string, ask: (found: unknown) => unknown) => ask(broker),
  } as unknown as Link
  return { link, letIn, asked }
}

function member(link: Link, sessionTimeoutMs = 10_000) {
  const assigned: (readonly number[])[] = []
  const membership = new Membership({
    link,
    groupId: 'g',
    topic: 't',
    sessionTimeoutMs,
    onAssigned: (partitions) => assigned.push(partitions),
    onTrouble: () => undefined,
  })
  return { membership, assigned }
}

describe('a member', () => {
  it('is given everything when it is alone', async () => {
    const { link, letIn } = groupOfOne()
    const { membership, assigned } = member(link)
    const stop = new AbortController()
    letIn()
    const running = membership.run(stop.signal)
    while (assigned.length === 0) {
      await turn()
    }
    stop.abort()
    await running
    expect(assigned).toEqual([[0, 1]])
  })

  it('is given nothing any more once it was told to stop, even when it was being let in', async () => {
    const { link, letIn, asked } = groupOfOne()
    const { membership, assigned } = member(link)
    const stop = new AbortController()
    const running = membership.run(stop.signal)
    await asked
    stop.abort()
    letIn()
    await running
    expect(assigned).toEqual([])
  })

  it('that was frozen lets go of everything, and is given it again though the group has not noticed', async () => {
    const { link, letIn } = groupOfOne()
    const { membership, assigned } = member(link, 300)
    const stop = new AbortController()
    letIn()
    const running = membership.run(stop.signal)
    while (assigned.length === 0) {
      await turn()
    }
    for (const untilMs = performance.now() + 600; performance.now() < untilMs; ) {
      // Nothing else of this process has its turn.
    }
    while (assigned.length < 3) {
      await turn()
    }
    stop.abort()
    await running
    expect(assigned.slice(0, 3)).toEqual([[0, 1], [], [0, 1]])
  })
})
