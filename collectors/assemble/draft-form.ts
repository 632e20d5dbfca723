/** How drafts are persisted: fields by position, since their names would be most of what is written. */
import type { Fragment } from '../../schema/fragment.ts'
import { Contribution } from './contribution.ts'
import type { Children, Draft, Identity } from './draft.ts'
import type { JsonWriter } from './json-writer.ts'
import type { Form } from './ledger.ts'

type WrittenIdentity = readonly [
  timeMs: number | null,
  agent: Identity['agent'],
  sessionId: string,
  chain: Identity['subject_chain'],
  promptId: string | null,
]

type Head = readonly [
  seq: number,
  observedMs: number,
  open: boolean,
  deadlineMs: number | null,
  armed: number | null,
  gap: string | null,
  keys: readonly string[],
  reused: boolean,
  eventId: string | null,
  identity: WrittenIdentity | null,
  children: Children | null,
]

/** Behind the head, by turns: rank and fragment of each contribution. */
type Written = readonly [head: Head, ...contributions: readonly (number | Fragment)[]]

/** The beginning of the head, in its order. */
const FIELDS = ['seq', 'observed_ms', 'open', 'deadline_ms', 'armed', 'gap', 'keys', 'reused', 'event_id'] as const

export const DRAFT_FORM: Form<Draft> = {
  write(draft, writer) {
    writer.text('[[')
    for (const field of FIELDS) {
      writer.value(draft[field])
      writer.text(',')
    }
    writeIdentity(draft.identity, writer)
    writer.text(',')
    writer.value(draft.children)
    writer.text(']')
    for (const contribution of draft.contributions) {
      writer.text(',')
      writer.value(contribution.rank)
      writer.text(',')
      contribution.write(writer, draft.event_id !== undefined)
    }
    writer.text(']')
  },

  read(written) {
    const [head, ...rest] = written as Written
    const contributions: Contribution[] = []
    for (let at = 0; at < rest.length; at += 2) {
      contributions.push(new Contribution(rest[at] as number, rest[at + 1] as Fragment))
    }
    const [seq, observedMs, open, deadlineMs, armed, gap, keys, reused, eventId, identity, children] = head
    return {
      seq,
      tenant: (contributions[0] as Contribution).fragment.tenant_id,
      observed_ms: observedMs,
      contributions,
      children: children ?? undefined,
      open,
      deadline_ms: deadlineMs ?? undefined,
      armed: armed ?? undefined,
      gap: gap ?? undefined,
      keys,
      reused,
      event_id: eventId ?? undefined,
      identity: identity === null ? undefined : readIdentity(identity),
      place: undefined,
    }
  },
}

function writeIdentity(identity: Identity | undefined, writer: JsonWriter): void {
  if (identity === undefined) {
    writer.text('null')
    return
  }
  writer.text('[')
  writer.value(identity.time_ms)
  writer.text(',')
  writer.value(identity.agent)
  writer.text(',')
  writer.value(identity.session_id)
  writer.text(',')
  writer.value(identity.subject_chain)
  writer.text(',')
  writer.value(identity.prompt_id)
  writer.text(']')
}

function readIdentity([timeMs, agent, sessionId, chain, promptId]: WrittenIdentity): Identity {
  return {
    time_ms: timeMs ?? undefined,
    agent,
    session_id: sessionId,
    subject_chain: chain,
    prompt_id: promptId ?? undefined,
  }
}
