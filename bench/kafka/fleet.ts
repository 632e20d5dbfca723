/**
 * A fleet: stages in processes of their own over a real broker, with a store and a webhook receiver, to be driven, killed
 * and frozen. The sender is this process, which is never harmed; nor is the receiver.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openReceiver, type Receiver } from '../../commands/receiver.ts'
import type { Alert } from '../../schema/alert.ts'
import { TelltaleProcess } from '../telltale-process.ts'

export interface FleetPlan {
  /** `host:port` of the brokers. */
  readonly brokers: readonly string[]
  readonly partitions: number
  /** Stages of each process, by its name; exactly one must have `write` and `serve`. */
  readonly members: Readonly<Record<string, readonly string[]>>
  /** Settings of every member, over what the fleet needs. */
  readonly settings?: Readonly<Record<string, unknown>>
  readonly sessionTimeoutMs?: number
  /** Told of every alert that comes to the receiver for the first time. */
  readonly onAlert?: (alert: Alert) => void
}

/** Every stage, in as few processes as have something of their own to lose. */
export const FOUR_MEMBERS = {
  collect: ['collect'],
  judge: ['assemble', 'detect'],
  alert: ['correlate', 'deliver'],
  store: ['write', 'serve'],
}

/** What each stage reads, as health names it. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  assemble: ['assemble/fragments'],
  detect: ['detect/events'],
  correlate: ['correlate/findings'],
  deliver: ['deliver:receiver/alerts'],
  write: ['write/events', 'write/findings', 'write/alerts'],
}
const JUDGING = ['assemble/fragments', 'detect/events']
const LOOK_EVERY_MS = 100
const LITTLE_RECORDS = 1000
const SETTLE_LIMIT_MS = 240_000
const SEND_LIMIT_MS = 600_000
const SEND_AGAIN_MS = 50

export class Fleet {
  readonly members: ReadonlyMap<string, TelltaleProcess>
  /** Alert ids that came to the receiver. */
  readonly delivered = new Set<string>()
  readonly #directory: string
  readonly #receiver: Receiver
  /** Before the names of its topics. */
  readonly topicPrefix: string
  readonly #collectors: readonly TelltaleProcess[]
  readonly #assemblers: readonly TelltaleProcess[]
  readonly #groups: readonly string[]
  /** The one that stores and answers. */
  readonly #server: TelltaleProcess
  /** Requests so far. */
  acknowledged = 0
  #turn = 0

  private constructor(parts: {
    readonly directory: string
    readonly receiver: Receiver
    readonly members: ReadonlyMap<string, TelltaleProcess>
    readonly plan: FleetPlan
    readonly delivered: Set<string>
    readonly topicPrefix: string
  }) {
    this.topicPrefix = parts.topicPrefix
    this.#directory = parts.directory
    this.#receiver = parts.receiver
    this.members = parts.members
    this.delivered = parts.delivered
    const having = (stage: string) =>
      [...parts.members].filter(([name]) => parts.plan.members[name]?.includes(stage)).map(([, member]) => member)
    this.#collectors = having('collect')
    this.#assemblers = having('assemble')
    this.#groups = Object.values(parts.plan.members)
      .flat()
      .flatMap((stage) => GROUPS[stage] ?? [])
    this.#server = having('serve')[0] as TelltaleProcess
  }

  /** Starts every member and resolves when all are ready. */
  static async open(plan: FleetPlan): Promise<Fleet> {
    const directory = await mkdtemp(join(tmpdir(), 'telltale-fleet-'))
    const delivered = new Set<string>()
    const secret = `whsec_${randomBytes(32).toString('base64')}`
    const receiver = await openReceiver(secret, (alert) => {
      delivered.add(alert.alert_id)
      plan.onAlert?.(alert)
    })
    const topicPrefix = `${randomUUID()}.`
    const settings = {
      bus: {
        kafka: {
          brokers: plan.brokers,
          topic_prefix: topicPrefix,
          partitions: plan.partitions,
          session_timeout_ms: plan.sessionTimeoutMs ?? 6000,
        },
      },
      sinks: [{ type: 'webhook', name: 'receiver', url: receiver.url, secret, allow: ['127.0.0.0/8'] }],
      ...plan.settings,
    }
    const members = new Map<string, TelltaleProcess>()
    for (const [name, stages] of Object.entries(plan.members)) {
      members.set(name, await TelltaleProcess.prepare(join(directory, name), settings, stages))
    }
    const fleet = new Fleet({ directory, receiver, members, plan, delivered, topicPrefix })
    try {
      await Promise.all([...members.values()].map((member) => member.start()))
      return fleet
    } catch (error) {
      await fleet.close()
      throw error
    }
  }

  get collectors(): readonly TelltaleProcess[] {
    return this.#collectors
  }

  /** Sends to one collector after the other until one acknowledges, as a load balancer and a patient exporter would. */
  async send(body: Uint8Array): Promise<void> {
    for (const untilMs = Date.now() + SEND_LIMIT_MS; Date.now() < untilMs; ) {
      const collector = this.#collectors[this.#turn % this.#collectors.length] as TelltaleProcess
      this.#turn += 1
      if (await collector.sendOnce(body)) {
        this.acknowledged += 1
        return
      }
      await sleep(SEND_AGAIN_MS)
    }
    throw new Error(`a request was not acknowledged for ${SEND_LIMIT_MS / 1000} s`)
  }

  /** Until nothing is behind and nothing is held: all that was sent is judged, delivered and stored. */
  async settle(): Promise<void> {
    await this.#until(() => this.#isQuiet(this.#groups))
  }

  /** Until nothing is behind; something may still be held. */
  async stored(): Promise<void> {
    await this.#until(async () => {
      const lag = await this.lag()
      return lag !== undefined && this.#groups.every((group) => lag[group] === 0)
    })
  }

  /** Until everything that was sent is judged; alerts may still be on their way. */
  async judged(): Promise<void> {
    await this.#until(() => this.#isQuiet(JUDGING))
  }

  /** Until nothing is spooled any more, and the stages have nearly caught up although more comes in. */
  async drained(): Promise<void> {
    await this.#until(async () => {
      try {
        const collectors = await Promise.all(this.#collectors.map((collector) => collector.health()))
        const { lag } = await this.#server.health()
        const isNearly = this.#groups.every((group) => (lag[group] ?? Number.POSITIVE_INFINITY) < LITTLE_RECORDS)
        return isNearly && collectors.every(({ spool }) => spool?.records === 0)
      } catch {
        return false
      }
    })
  }

  /** Of every group in the fleet; undefined while the bus or a collector cannot tell. */
  async lag(): Promise<Readonly<Record<string, number>> | undefined> {
    try {
      const { lag } = await this.#server.health()
      return lag
    } catch {
      return undefined
    }
  }

  async #isQuiet(groups: readonly string[]): Promise<boolean> {
    try {
      // In the order of the data: what has left one place by the time it is asked is seen at the next.
      const spooled = await Promise.all(this.#collectors.map((collector) => collector.health()))
      const before = await this.#server.health()
      const held = await Promise.all(this.#assemblers.map((member) => member.metric('telltale_held_fragments')))
      const after = await this.#server.health()
      const isNone = (lag: Readonly<Record<string, number>>) => groups.every((group) => lag[group] === 0)
      return (
        spooled.every(({ spool }) => spool?.records === 0) &&
        held.every((records) => records === 0) &&
        isNone(before.lag) &&
        isNone(after.lag)
      )
    } catch {
      return false
    }
  }

  async #until(look: () => Promise<boolean>): Promise<void> {
    for (const untilMs = Date.now() + SETTLE_LIMIT_MS; !(await look()); await sleep(LOOK_EVERY_MS)) {
      if (Date.now() > untilMs) {
        throw new Error(`still behind: ${JSON.stringify(await this.lag())}\n${this.#said()}`)
      }
    }
  }

  #said(): string {
    return [...this.members].map(([name, member]) => `== ${name}\n${member.said}`).join('\n')
  }

  /** Ids of all that is visible in the store. @throws Error when something is visible twice */
  ids(resource: 'events' | 'alerts'): Promise<ReadonlySet<string>> {
    return this.#server.ids(resource, resource === 'events' ? 'event_id' : 'alert_id')
  }

  async close(): Promise<void> {
    await Promise.all([...this.members.values()].map((member) => member.stop()))
    await this.#receiver.close()
    await rm(this.#directory, { recursive: true, force: true })
  }
}
