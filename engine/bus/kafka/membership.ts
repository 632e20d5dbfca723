/**
 * Membership of a consumer group (Kafka's classic protocol): joins, beats, and says which partitions are ours. What is
 * done with them goes on while the group is dealt anew; only what was taken away has to stop.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { AssignerProtocol } from 'kafkajs'
import { Unavailable } from '../../../schema/errors.ts'
import { answerOf } from './errors.ts'
import type { Link } from './link.ts'
import { assignSticky, type Member } from './sticky.ts'

export interface MembershipOptions {
  /** For this alone: joining waits at the broker. */
  readonly link: Link
  /** For what was committed, which should not wait until others have joined. Default: the same link. */
  readonly commitLink?: Link
  readonly groupId: string
  readonly topic: string
  /** After so long without a beat the group deals our partitions to others. */
  readonly sessionTimeoutMs: number
  /**
   * Told what is ours from now on. `isContinuous` is false when others may have owned any of it since the last time:
   * then nothing that was known about it holds.
   */
  readonly onAssigned: (partitions: readonly number[], isContinuous: boolean) => void
  readonly onTrouble: (error: Unavailable) => void
  /** How often the leader looks whether the topic has more partitions now. Absent where their number cannot change. */
  readonly lookEveryMs?: number
}

const PROTOCOL = 'telltale-sticky-1'
const VERSION = 1
const LEAVE_MS = 2000
const AGAIN_MS = 500
const SILENCES = 1.5
/** The group is being dealt anew: join again. */
const DEALING = 'REBALANCE_IN_PROGRESS'
/** We are out: what we owned is others'. */
const EXPELLED = 'UNKNOWN_MEMBER_ID'
/** We are in, but the group was dealt without us. */
const MISSED = 'ILLEGAL_GENERATION'

export class Membership {
  readonly #options: MembershipOptions
  #memberId = ''
  #generation = -1
  #owned: readonly number[] = []
  #beatMs = 0
  /** As the leader of the group: how many partitions it dealt out, and when it has looked last. */
  #dealt: { readonly partitions: number; lookedMs: number } | undefined

  constructor(options: MembershipOptions) {
    this.#options = options
  }

  /** Runs until `signal` aborts, then leaves. Rejects only on a bug. */
  async run(signal: AbortSignal): Promise<void> {
    const { sessionTimeoutMs } = this.#options
    const watching = setInterval(() => this.#doubt(), sessionTimeoutMs / 6)
    try {
      while (!signal.aborted) {
        try {
          await this.#join(signal)
          await this.#beat(signal)
        } catch (error) {
          await this.#recover(error, signal)
        }
      }
    } finally {
      clearInterval(watching)
    }
  }

  /**
   * Who has not been heard for longer than a session must think that others own what was ours; whatever is under way may
   * be waiting for a broker that is no more. Joining takes as long as a session by itself.
   */
  #doubt(): void {
    if (this.#owned.length > 0 && performance.now() - this.#beatMs > SILENCES * this.#options.sessionTimeoutMs) {
      this.#assigned([], false)
      // The group may have noticed nothing, and must not think that we work on what we have let go: with this we join again.
      this.#generation = -1
    }
  }

  /** Tells the group at once, so that others need not wait for the session to end. Call when nothing is owned any more. */
  async leave(): Promise<void> {
    if (this.#memberId === '') {
      return
    }
    const { groupId } = this.#options
    const left = this.#ask('leave', (broker) => broker.leaveGroup({ groupId, memberId: this.#memberId }))
    const patience = new AbortController()
    await Promise.race([left, sleep(LEAVE_MS, undefined, { signal: patience.signal })]).catch(() => undefined)
    patience.abort()
    left.catch(() => undefined)
  }

  /**
   * Tells the group how far we are.
   *
   * @throws Unavailable, also when the group was dealt anew and we have not heard of it: it takes no word of who is out.
   */
  async commit(offsets: ReadonlyMap<number, number>): Promise<void> {
    const { link, commitLink = link, groupId, topic } = this.#options
    const partitions = [...offsets].map(([partition, offset]) => ({ partition, offset: String(offset) }))
    const groupGenerationId = this.#generation
    const memberId = this.#memberId
    await commitLink.coordinator(groupId, `commit in the group ${groupId}`, (broker) =>
      broker.offsetCommit({ groupId, groupGenerationId, memberId, topics: [{ topic, partitions }] }),
    )
  }

  /** How far the group is in a partition; undefined where it never was. @throws Unavailable */
  async committed(partition: number): Promise<number | undefined> {
    const { link, commitLink = link, groupId, topic } = this.#options
    const { responses } = await commitLink.coordinator(groupId, `learn how far the group ${groupId} is`, (broker) =>
      broker.offsetFetch({ groupId, topics: [{ topic, partitions: [{ partition }] }] }),
    )
    const offset = Number(responses[0]?.partitions[0]?.offset ?? -1)
    return offset < 0 ? undefined : offset
  }

  #ask<Answer>(what: string, ask: Parameters<Link['coordinator']>[2]): Promise<Answer> {
    const { link, groupId } = this.#options
    return link.coordinator(groupId, `${what} in the group ${groupId}`, ask) as Promise<Answer>
  }

  async #join(signal: AbortSignal): Promise<void> {
    const { link, groupId, topic, sessionTimeoutMs } = this.#options
    const before = this.#memberId
    await link.open([topic])
    const userData = Buffer.from(JSON.stringify({ generation: this.#generation, owned: this.#owned }))
    const metadata = AssignerProtocol.MemberMetadata.encode({ version: VERSION, topics: [topic], userData })
    const joined = await link.coordinator(groupId, `join the group ${groupId}`, (broker) =>
      broker.joinGroup({
        groupId,
        sessionTimeout: sessionTimeoutMs,
        rebalanceTimeout: sessionTimeoutMs,
        memberId: this.#memberId,
        groupProtocols: [{ name: PROTOCOL, metadata }],
      }),
    )
    this.#memberId = joined.memberId
    this.#dealt = undefined
    const isLeader = joined.leaderId === joined.memberId
    const groupAssignment = isLeader ? await this.#deal(joined.members) : []
    const { generationId, memberId } = joined
    const { memberAssignment } = await link.coordinator(groupId, `join the group ${groupId}`, (broker) =>
      broker.syncGroup({ groupId, generationId, memberId, groupAssignment }),
    )
    const assignment = AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {}
    this.#generation = generationId
    this.#beatMs = performance.now()
    // Whoever told us to stop no longer waits for what would begin now.
    signal.throwIfAborted()
    this.#assigned(assignment[topic] ?? [], before === memberId)
  }

  /** The leader's duty. */
  async #deal(members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]) {
    const { link, topic } = this.#options
    await link.refresh()
    const partitions = link.partitions(topic).length
    const dealt = assignSticky(members.map(memberOf), partitions)
    this.#dealt = { partitions, lookedMs: performance.now() }
    return [...dealt].map(([memberId, own]) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: VERSION,
        assignment: { [topic]: [...own] },
        userData: Buffer.alloc(0),
      }),
    }))
  }

  /** Until the group is dealt anew, or has to be, or `signal` aborts. */
  async #beat(signal: AbortSignal): Promise<void> {
    const { groupId, sessionTimeoutMs } = this.#options
    const everyMs = Math.min(sessionTimeoutMs / 6, 1000)
    while (!signal.aborted && !(await this.#mustDeal())) {
      await sleep(everyMs, undefined, { signal }).catch(() => undefined)
      if (!signal.aborted) {
        const groupGenerationId = this.#generation
        const beat = this.#ask('beat', (broker) =>
          broker.heartbeat({ groupId, groupGenerationId, memberId: this.#memberId }),
        )
        await this.#soon(beat, signal)
        this.#beatMs = performance.now()
      }
    }
  }

  /** A coordinator that does not answer a beat soon is left for the one that the cluster names by then. */
  async #soon(beat: Promise<unknown>, signal: AbortSignal): Promise<void> {
    const { link, groupId, sessionTimeoutMs } = this.#options
    const answered = new AbortController()
    const late = sleep(sessionTimeoutMs / 3, undefined, { signal: AbortSignal.any([answered.signal, signal]) }).then(
      () => {
        link.cut('the coordinator did not answer in time')
        throw new Unavailable(`the coordinator of ${groupId} does not answer`)
      },
      () => undefined,
    )
    try {
      await Promise.race([beat, late.then(() => beat)])
    } finally {
      answered.abort()
      beat.catch(() => undefined)
      late.catch(() => undefined)
    }
  }

  /** Whether we lead the group and the topic has another number of partitions than were dealt. */
  async #mustDeal(): Promise<boolean> {
    const { link, topic, lookEveryMs } = this.#options
    const nowMs = performance.now()
    if (this.#dealt === undefined || lookEveryMs === undefined || nowMs - this.#dealt.lookedMs < lookEveryMs) {
      return false
    }
    this.#dealt.lookedMs = nowMs
    try {
      await link.refresh()
    } catch (error) {
      if (error instanceof Unavailable) {
        // Those who read the partitions tell of it; dealing anew would not help them.
        return false
      }
      throw error
    }
    return link.partitions(topic).length !== this.#dealt.partitions
  }

  async #recover(error: unknown, signal: AbortSignal): Promise<void> {
    if (signal.aborted) {
      return
    }
    const answer = answerOf(error)
    if (answer === DEALING) {
      return
    }
    if (answer === EXPELLED || answer === MISSED) {
      this.#memberId = answer === EXPELLED ? '' : this.#memberId
      this.#generation = -1
      this.#assigned([], false)
      return
    }
    if (!(error instanceof Unavailable)) {
      throw error
    }
    this.#options.onTrouble(error)
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => undefined)
  }

  #assigned(partitions: readonly number[], isContinuous: boolean): void {
    if (partitions.length > 0 || this.#owned.length > 0) {
      this.#owned = [...partitions].sort((a, b) => a - b)
      this.#options.onAssigned(this.#owned, isContinuous)
    }
  }
}

/** What another member says of itself; it may be of any version. */
function memberOf({
  memberId,
  memberMetadata,
}: {
  readonly memberId: string
  readonly memberMetadata: Buffer
}): Member {
  try {
    const { userData } = AssignerProtocol.MemberMetadata.decode(memberMetadata) ?? { userData: Buffer.alloc(0) }
    const { owned, generation } = JSON.parse(userData.toString()) as Partial<Member>
    if (Array.isArray(owned) && typeof generation === 'number') {
      return { id: memberId, owned: owned.filter((each) => Number.isInteger(each) && each >= 0), generation }
    }
  } catch {
    // It claims nothing, then.
  }
  return { id: memberId, owned: [], generation: -1 }
}
