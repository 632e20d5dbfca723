/** Hosts that agents reach, or name in arguments, each with its port where that is known. */
import type { Destination } from '../../schema/telemetry.ts'
import { compileEgress, portOf } from '../egress.ts'
import { readHost } from '../hosts.ts'
import { defineLearned, NO_LINE } from './use.ts'

const OPERATIONS: readonly string[] = ['tool_call', 'egress', 'retrieval', 'token_request']

export const egress = defineLearned<'egress', Destination>({
  section: 'egress',
  lists: ['allow'],
  usesOf: ({ operation, destinations }) =>
    OPERATIONS.includes(operation)
      ? destinations.map((destination) => ({ list: 'allow', entry: entryOf(destination), question: destination }))
      : [],
  isNarrow: ({ detector, evidence: { rule } }) =>
    detector === 'egress' && (rule === 'not-listed' || rule === 'port' || rule === 'method'),
  judge: (policy) => {
    const { judge } = compileEgress(policy, '', NO_LINE)
    return ({ question }) => judge(question).allowed
  },
})

function entryOf(destination: Destination): string {
  const read = readHost(destination.host)
  const host = read?.host.name ?? destination.host
  const port = read?.port ?? portOf(destination)
  if (port === undefined) {
    return host
  }
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
