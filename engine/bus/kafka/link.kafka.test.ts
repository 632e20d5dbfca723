import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it, type MockInstance, vi } from 'vitest'
import { type Brokers, startBrokers } from '../../../test/kafka/brokers.ts'
import { type Cluster, kafkajs } from './kafkajs.ts'
import { Link } from './link.ts'
import { Membership } from './membership.ts'
import { makeRawTopic } from './raw-topic.contract.ts'

const { version } = inject('kafka')
const PATIENCE = { timeout: 30_000, interval: 20 }
/** A beat every half second. */
const SESSION_MS = 3000

describe(`a link to three brokers of Kafka ${version}`, () => {
  let brokers: Brokers
  let links: Link[]
  beforeAll(async () => {
    const settings = { 'group.min.session.timeout.ms': SESSION_MS }
    brokers = await startBrokers({ version, count: 3, settings })
  })
  afterAll(() => brokers?.stop())
  beforeEach(() => {
    links = []
  })
  afterEach(() => Promise.all(links.map((link) => link.close())))

  function newLink(): Link {
    const link = new Link({ brokers: brokers.bootstrap, requestTimeoutMs: 2000 })
    links.push(link)
    return link
  }

  it('opens a topic as soon as somebody has made it', async () => {
    const link = newLink()
    const name = `later-${randomUUID()}`
    await expect(link.open([name])).rejects.toThrow(`cannot learn who leads ${name}: `)
    await makeRawTopic({ brokers: brokers.bootstrap, name })
    // Brokers hear of it one after the other.
    await vi.waitFor(() => link.open([name]), PATIENCE)
    expect(link.partitions(name)).toHaveLength(1)
  })

  describe('for a group', () => {
    /** The question that kafkajs puts to the brokers whenever it is asked who coordinates a group. */
    let asked: MockInstance<Cluster['findGroupCoordinator']>
    beforeEach(() => {
      asked = vi.spyOn(kafkajs.Cluster.prototype as Cluster, 'findGroupCoordinator')
    })
    afterEach(() => asked.mockRestore())

    /** Joins a group of its own, and counts the beats that were answered. */
    async function join(topic: string) {
      const [link, commitLink] = [newLink(), newLink()]
      let beats = 0
      let coordinator = -1
      const ask = link.coordinator.bind(link)
      link.coordinator = (groupId, what, call) =>
        ask(groupId, what, async (broker) => {
          const answer = await call(broker)
          coordinator = Number(broker.nodeId)
          beats += what.startsWith('beat') ? 1 : 0
          return answer
        })
      const membership = new Membership({
        ...{ link, commitLink, groupId: topic, topic, sessionTimeoutMs: SESSION_MS },
        onAssigned: () => undefined,
        onTrouble: () => undefined,
      })
      const stop = new AbortController()
      const running = membership.run(stop.signal)
      const moreBeats = (count: number) => {
        const until = beats + count
        return vi.waitFor(() => expect(beats).toBeGreaterThanOrEqual(until), PATIENCE)
      }
      const leave = async () => {
        stop.abort()
        await running
      }
      return { membership, moreBeats, leave, coordinator: () => coordinator }
    }

    it('remembers who coordinates it: beats and commits ask nobody', async () => {
      const { membership, moreBeats, leave } = await join(await makeRawTopic({ brokers: brokers.bootstrap }))
      await moreBeats(1)
      await membership.commit(new Map([[0, 0]]))
      const before = asked.mock.calls.length
      for (let next = 1; next <= 10; next += 1) {
        await membership.commit(new Map([[0, next]]))
      }
      await moreBeats(5)
      // One, should a broker be slow to answer for once.
      expect(asked.mock.calls.length - before).toBeLessThanOrEqual(1)
      expect(await membership.committed(0)).toBe(10)
      await leave()
    })

    it('asks again when another coordinates it, and beats and commits go on', async () => {
      const topic = await makeRawTopic({ brokers: brokers.bootstrap, replication: 3 })
      const { membership, moreBeats, leave, coordinator } = await join(topic)
      await moreBeats(1)
      await membership.commit(new Map([[0, 1]]))
      const former = coordinator()
      const before = asked.mock.calls.length
      await brokers.kill(former - 1)
      await vi.waitFor(() => expect(coordinator()).not.toBe(former), PATIENCE)
      await moreBeats(2)
      expect(asked.mock.calls.length).toBeGreaterThan(before)
      await vi.waitFor(() => membership.commit(new Map([[0, 2]])), PATIENCE)
      await leave()
      await brokers.start(former - 1)
    })
  })

  describe('when a broker dies', () => {
    const PARTITIONS = 3
    let dead: number
    /** Two topics that all brokers hold, of which one is deleted, and one whose partitions are on one broker each. */
    let kept: string
    let gone: string
    let scattered: string
    let besideGone: Link
    let besideScattered: Link
    let ledByDead: readonly number[]

    beforeAll(async () => {
      const { bootstrap } = brokers
      kept = await makeRawTopic({ brokers: bootstrap, replication: 3 })
      gone = await makeRawTopic({ brokers: bootstrap, replication: 3 })
      scattered = await makeRawTopic({ brokers: bootstrap, partitions: PARTITIONS, replication: 1 })
      besideGone = new Link({ brokers: bootstrap, requestTimeoutMs: 2000 })
      besideScattered = new Link({ brokers: bootstrap, requestTimeoutMs: 2000 })
      const open = (link: Link, topics: readonly string[]) => vi.waitFor(() => link.open(topics), PATIENCE)
      await Promise.all([open(besideGone, [kept, gone]), open(besideScattered, [kept, scattered])])
      dead = besideGone.leaderOf(kept, 0) ?? -1
      ledByDead = partitions().filter((partition) => besideScattered.leaderOf(scattered, partition) === dead)
      await deleteTopic(gone)
      await brokers.kill(dead - 1)
    })
    afterAll(async () => {
      await Promise.all([besideGone.close(), besideScattered.close()])
      await brokers.start(dead - 1)
    })

    const partitions = () => Array.from({ length: PARTITIONS }, (_, partition) => partition)

    async function deleteTopic(topic: string): Promise<void> {
      const admin = new Kafka({ brokers: [...brokers.bootstrap], logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      await admin.deleteTopics({ topics: [topic] }).finally(() => admin.disconnect())
    }

    /** Looks until another leads what the dead one led. */
    const untilMoved = (link: Link) =>
      vi.waitFor(async () => {
        await link.refresh().catch(() => undefined)
        const others = [1, 2, 3].filter((node) => node !== dead)
        expect(others).toContain(link.leaderOf(kept, 0))
      }, PATIENCE)

    it('learns who leads instead, though one of its topics is gone, and says which', async () => {
      await untilMoved(besideGone)
      // It is named before it takes over.
      const extent = await vi.waitFor(() => besideGone.extent(kept, 0), PATIENCE)
      expect(extent).toEqual({ partition: 0, start: 0, end: 0 })
      await expect(besideGone.refresh()).rejects.toThrow(new RegExp(`^cannot learn who leads ${gone}: .*UNKNOWN_TOPIC`))
    })

    it('does not take a topic that is gone, perhaps for one broker only, for one without partitions', async () => {
      await untilMoved(besideGone)
      expect(besideGone.partitions(gone)).toHaveLength(1)
      await expect(besideGone.extents(gone)).rejects.toThrow(`cannot look where ${gone} ends: `)
    })

    it('learns who leads instead, though nobody leads other partitions any more', async () => {
      await untilMoved(besideScattered)
      expect(ledByDead.length).toBeGreaterThan(0)
      await besideScattered.refresh()
      expect(besideScattered.partitions(scattered)).toHaveLength(PARTITIONS)
      const leaderless = partitions().filter((each) => besideScattered.leaderOf(scattered, each) === undefined)
      expect(leaderless).toEqual(ledByDead)
    })

    it('opens a topic beside one that is gone, and none that is gone', async () => {
      await besideGone.open([scattered])
      expect(besideGone.partitions(scattered)).toHaveLength(PARTITIONS)
      await expect(newLink().open([kept, gone])).rejects.toThrow(gone)
    })
  })
})
