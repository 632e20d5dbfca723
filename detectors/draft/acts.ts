/**
 * What a call does to the world and to each dataset: said by a statement or the agent itself (`Dataset.operation`), else by
 * the words of the tool's name, else by the method of the requests below it. The latter two are hints.
 */
import type { GatedAction } from '../../rules/approvals.ts'
import type { Act } from '../../schema/policy/purpose.ts'
import type { Dataset, DatasetOperation, Telemetry } from '../../schema/telemetry.ts'
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

/** What the whole call does, by its operation, its tool's name, or else the methods of its requests. Empty: nothing says so. */
export function actsOf(event: Telemetry): ReadonlySet<Act> {
  if (event.operation === 'retrieval') {
    return new Set(['read'])
  }
  const named = event.tool === null ? [] : [...toolActions(event.tool.name)].map((action) => ACTIONS[action])
  if (named.length > 0) {
    return new Set(named)
  }
  if (event.tool !== null && onlyLooks(event.tool.name)) {
    return new Set(['read'])
  }
  return new Set(event.destinations.flatMap(({ method }) => METHODS.get(method?.toUpperCase() ?? '') ?? []))
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
