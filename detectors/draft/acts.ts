/**
 * What a call does to the world and to each dataset: said by a statement or the agent itself (`Dataset.operation`), else by
 * the words of the tool's name, else by the method of the requests below it. The latter two are hints.
 */
import type { GatedAction } from '../../rules/approvals.ts'
import type { Act } from '../../schema/policy/purpose.ts'
import type { Dataset, DatasetOperation, Telemetry } from '../../schema/telemetry.ts'
import { TextMemory } from '../../schema/text-memory.ts'
import { onlyLooks, toolActions } from './tool-powers.ts'

const ACTIONS: Readonly<Record<GatedAction, Act>> = {
  deletes: 'delete',
  pays: 'pay',
  grants: 'grant',
  'runs-commands': 'run',
  sends: 'send',
  writes: 'write',
}
const METHODS: ReadonlyMap<string, DatasetOperation> = new Map([
  ['GET', 'read'],
  ['HEAD', 'read'],
  ['PUT', 'write'],
  ['PATCH', 'write'],
  ['DELETE', 'delete'],
])

const READS: ReadonlySet<Act> = new Set(['read'])
const NAMES_REMEMBERED = 128 * 1024
const named = new TextMemory<ReadonlySet<Act>>(
  (name) => (onlyLooks(name) ? READS : new Set([...toolActions(name)].map((action) => ACTIONS[action]))),
  NAMES_REMEMBERED,
  'first',
)

/** What the whole call does, by its operation, its tool's name, or else the methods of its requests. Empty: nothing says so. */
export function actsOf({ operation, tool, destinations }: Telemetry): ReadonlySet<Act> {
  if (operation === 'retrieval') {
    return READS
  }
  const byName = tool === null ? undefined : named.of(tool.name)
  return byName !== undefined && byName.size > 0
    ? byName
    : new Set(destinations.flatMap(({ method }) => METHODS.get(method?.toUpperCase() ?? '') ?? []))
}

/** What was done with a dataset; `certain` when something says so of the dataset itself. */
export function operationOn(
  dataset: Dataset,
  event: Telemetry,
): { readonly operation: DatasetOperation | undefined; readonly certain: boolean } {
  if (dataset.operation !== undefined) {
    return { operation: dataset.operation, certain: true }
  }
  const acts = actsOf(event)
  const operation = acts.has('delete') ? 'delete' : acts.has('write') ? 'write' : acts.has('read') ? 'read' : undefined
  return { operation, certain: event.operation === 'retrieval' }
}
