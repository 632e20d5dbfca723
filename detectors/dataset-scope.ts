/**
 * An agent touches data that its policy does not let it touch, or data of several tenants in one session.
 *
 * What the policy says is exact; what is doubtful is what was touched: an argument may name only the end of an id, and a
 * tool's name only hints at what was done. Doubt lowers confidence and severity.
 */
import { isPartial } from '../rules/dataset-ids.ts'
import { tenantOf } from '../rules/dataset-tenant.ts'
import type { DatasetVerdict } from '../rules/datasets.ts'
import type { CompiledPolicy } from '../rules/policy.ts'
import type { FindingDraft, Severity } from '../schema/finding.ts'
import { quoteName } from '../schema/quote-name.ts'
import { wasStopped } from '../schema/stopped.ts'
import type { Dataset, Telemetry } from '../schema/telemetry.ts'
import { type DetectionContext, defineDetector } from './detector.ts'
import { operationOn } from './draft/acts.ts'
import { causeOf } from './draft/cause.ts'
import { byPolicyOf, refusedBy, silencedBy } from './draft/refused.ts'
import { raise } from './draft/severity.ts'
import { untrusted } from './draft/untrusted.ts'

/** The most findings one event gives; what is above is counted in the last one. */
const FINDING_LIMIT = 8
/** The most tenants of one session that are remembered. */
const TENANTS_KEPT = 64
/** Names are cut where state keeps them. */
const KEPT_LENGTH = 64

interface State {
  /** In the order in which the session came to them. */
  tenants: string[]
}

type Violation = Extract<DatasetVerdict, { allowed: false }>

export const datasetScope = defineDetector<State>({
  id: 'dataset-scope',
  title: 'Data outside the scope of the agent',
  catches:
    'Datasets that the policy denies or does not list, operations it does not allow on them, data classified above the clearance of the agent, more rows in a call than allowed, data of another tenant, and the step from one tenant to another within a session.',
  misses:
    'Abuse of allowed data; datasets that telemetry does not name, or names only by an end that an allowed id has, too; operations that neither a statement nor the name of the tool tells; tenants that nothing names; rows that no database span counts.',
  kind: 'policy',
  version: 1,
  techniques: ['AML.T0085', 'AML.T0085.000', 'AML.T0085.001', 'AML.T0053'],
  owasp: ['LLM02:2025', 'LLM08:2025', 'ASI03'],
  runbook: [
    'Read untrusted_dataset, untrusted_arguments and the outcome: what was touched, and did the call give anything (volume.rows, volume.bytes_out)?',
    'For whom did the agent act (subject_chain), and may that person see this data, or this tenant?',
    'Read what the agent was given before the call in the same session: who named the dataset or the tenant?',
    'What left the agent afterwards in the session: outputs, destinations, files?',
    'If the agent needs the data, make the change that policy.allow_with names. If not, end the session, and tell the owner of the data.',
  ],
  needs: [['dataset_scope', 'volume.rows']],
  uses: [
    'policy.datasets',
    'dataset_scope.classification',
    'dataset_scope.tenant',
    'dataset_scope.operation',
    'volume.rows',
  ],
  severities: ['informational', 'low', 'medium', 'high'],
  on: ['tool_call', 'retrieval', 'egress'],
  scope: 'session',
  stateVersion: 1,
  initial: () => ({ tenants: [] }),

  check(event, state, { policy }) {
    if ((event.dataset_scope.length === 0 && event.volume.rows === undefined) || policy?.mode === 'off') {
      return []
    }
    const violations = policy?.datasets === undefined ? NONE : violationsOf(event, policy)
    const step = pivot(event, state, policy)
    const findings = step === undefined ? limited(violations) : [...limited(violations), step]
    return policy === undefined ? findings : findings.map((each) => byPolicyOf(policy, each))
  },

  learn: absorb,
  spoke: absorb,
})

const NONE: readonly never[] = []

function absorb(event: Telemetry, state: State, { policy }: DetectionContext): boolean {
  const fresh = [...tenantsOf(event, policy).keys()].filter((tenant) => !state.tenants.includes(tenant))
  if (fresh.length === 0 || state.tenants.length >= TENANTS_KEPT) {
    return false
  }
  state.tenants.push(...fresh.slice(0, TENANTS_KEPT - state.tenants.length))
  return true
}

/** The tenants that an event touched, each with the first dataset of it. */
function tenantsOf(event: Telemetry, policy: CompiledPolicy | undefined): ReadonlyMap<string, Dataset> {
  const tenants = new Map<string, Dataset>()
  for (const dataset of event.dataset_scope) {
    const tenant = policy?.datasets?.tenantOf(dataset) ?? tenantOf(dataset, NONE)
    if (tenant !== undefined && !tenants.has(tenant.slice(0, KEPT_LENGTH))) {
      tenants.set(tenant.slice(0, KEPT_LENGTH), dataset)
    }
  }
  return tenants
}

/** Everything in the event that the policy refuses. */
function violationsOf(event: Telemetry, policy: CompiledPolicy): readonly FindingDraft[] {
  const findings = new Map<string, FindingDraft>()
  for (const dataset of event.dataset_scope) {
    if (isSaidWhole(dataset, event.dataset_scope)) {
      continue
    }
    const { operation, certain } = operationOn(dataset, event)
    const verdict = policy.datasets?.judge(dataset, operation)
    if (verdict?.allowed === false) {
      const doubtful = verdict.doubt || (verdict.because === 'operation' && !certain)
      const finding = violation(event, verdict, doubtful, policy, dataset)
      findings.set(finding.cause, findings.get(finding.cause) ?? finding)
    }
  }
  const { rows } = event.volume
  const many = rows === undefined ? undefined : policy.datasets?.judgeRows(event.dataset_scope, rows)
  return many?.allowed === false
    ? [...findings.values(), violation(event, many, false, policy, event.dataset_scope[0])]
    : [...findings.values()]
}

/** When a call names `leads` and a query below it touches `postgresql/crm/leads`, the event has both. */
function isSaidWhole({ id }: Dataset, all: readonly Dataset[]): boolean {
  if (all.length === 1 || !isPartial(id)) {
    return false
  }
  const path = `/${id}`
  const qualified = `.${id}`
  return all.some((other) => other.id.endsWith(path) || other.id.endsWith(qualified))
}

function limited(findings: readonly FindingDraft[]): readonly FindingDraft[] {
  const last = findings[FINDING_LIMIT - 1]
  return last === undefined || findings.length === FINDING_LIMIT
    ? findings
    : [
        ...findings.slice(0, FINDING_LIMIT - 1),
        { ...last, evidence: { ...last.evidence, more_datasets: findings.length - FINDING_LIMIT } },
      ]
}

const TITLES: Readonly<Record<Violation['because'], string>> = {
  denied: 'Agent touched a denied dataset',
  'not-listed': 'Agent touched a dataset outside its scope',
  operation: 'Agent did to a dataset what it may not',
  clearance: 'Agent touched data above its clearance',
  tenant: 'Agent touched data of another tenant',
  rows: 'Agent got more rows than it may',
}
const SEVERITY: Readonly<Record<Violation['because'], Severity>> = {
  denied: 'high',
  'not-listed': 'medium',
  operation: 'medium',
  clearance: 'high',
  tenant: 'high',
  rows: 'medium',
}

function violation(
  event: Telemetry,
  verdict: Violation,
  doubtful: boolean,
  policy: CompiledPolicy,
  dataset: Dataset | undefined,
): FindingDraft {
  const { because } = verdict
  const id = dataset?.id
  const name = id === undefined ? 'data that it did not name' : quoteName(id)
  const stopped = wasStopped(event)
  const operation = dataset === undefined ? undefined : operationOn(dataset, event).operation
  const did = `${DONE[operation ?? 'touch']} ${name}`
  return {
    cause: because === 'rows' ? 'rows' : causeOf('dataset', id ?? '', because),
    severity: raise(SEVERITY[because], (stopped ? -1 : 0) - (doubtful ? 1 : 0)),
    confidence: doubtful ? 0.6 : 0.97,
    title: because === 'rows' ? TITLES.rows : `${TITLES[because]}: ${name}`,
    reason: `${quoteName(event.agent.id)} ${did}, ${whyNot(verdict, event, dataset)}${stopped ? '; the call was stopped' : ''}.`,
    observed: `${did}${dataset?.classification === undefined ? '' : `, ${dataset.classification}`}, outcome ${event.outcome}`,
    ...refusedBy(verdict),
    evidence: {
      ...evidenceOf(event, dataset),
      ...(operation === undefined ? {} : { operation }),
      policy_id: policy.id,
      rule: because,
      only_end_known: verdict.doubt,
    },
    techniques: techniquesOf(event, because === 'tenant' || operation === 'write' || operation === 'delete'),
  }
}

const DONE = { read: 'read', write: 'wrote', delete: 'deleted from', touch: 'touched' } as const

function whyNot({ because, doubt }: Violation, event: Telemetry, dataset: Dataset | undefined): string {
  const reasons: Readonly<Record<Violation['because'], string>> = {
    denied: doubt ? 'which is what its policy denies, as far as it was named' : 'which its policy denies',
    'not-listed': 'which its policy does not list',
    operation: 'which its policy does not allow on it',
    clearance: `which is ${dataset?.classification ?? ''} and above its clearance`,
    tenant: 'which belongs to a tenant that its policy does not list',
    rows: `and ${event.volume.rows ?? 0} rows came back, more than its policy allows`,
  }
  return reasons[because]
}

function evidenceOf(event: Telemetry, dataset: Dataset | undefined) {
  return {
    ...(dataset === undefined ? {} : { untrusted_dataset: untrusted(dataset.id) }),
    ...(dataset?.tenant === undefined ? {} : { untrusted_tenant: untrusted(dataset.tenant) }),
    ...(dataset?.classification === undefined ? {} : { classification: dataset.classification }),
    ...(event.tool === null ? {} : { untrusted_tool: untrusted(event.tool.name) }),
    ...(event.content?.arguments === undefined ? {} : { untrusted_arguments: untrusted(event.content.arguments) }),
    ...(event.volume.rows === undefined ? {} : { rows: event.volume.rows }),
    outcome: event.outcome,
  }
}

/** The step from one tenant to the next. A tenant that the policy refuses outright has its finding already. */
function pivot(
  event: Telemetry,
  { tenants }: Readonly<State>,
  policy: CompiledPolicy | undefined,
): FindingDraft | undefined {
  const touched = event.dataset_scope.length === 0 ? undefined : tenantsOf(event, policy)
  if (touched === undefined || touched.size === 0 || tenants.length >= TENANTS_KEPT) {
    return undefined
  }
  const fresh = [...touched].filter(([tenant]) => !tenants.includes(tenant))
  const rules = policy?.datasets
  const most = rules?.tenantsPerSession ?? 1
  const count = tenants.length + fresh.length
  const step = count <= most ? undefined : fresh.findLast(([, dataset]) => !isOfForeigner(dataset, policy))
  const before = tenants.at(-1) ?? [...touched.keys()][0] ?? ''
  if (step === undefined || step[0] === before) {
    return undefined
  }
  const [tenant, dataset] = step
  const stopped = wasStopped(event)
  return {
    cause: 'tenant-pivot',
    severity: policy === undefined ? 'informational' : raise('high', stopped ? -1 : 0),
    confidence: policy === undefined ? 0.4 : 0.85,
    title: 'Agent went over to another tenant within a session',
    reason: `${quoteName(event.agent.id)} touched data of ${quoteName(tenant)} in a session that had been about ${quoteName(before)}${stopped ? '; the call was stopped' : ''}.`,
    observed: `data of ${count} tenants in one session, outcome ${event.outcome}`,
    expected: most === 1 ? 'data of one tenant in a session' : `data of at most ${most} tenants in a session`,
    ...silenceOf(policy),
    evidence: {
      ...evidenceOf(event, dataset),
      untrusted_new_tenant: untrusted(tenant),
      untrusted_tenant_before: untrusted(before),
      tenants: count,
    },
    techniques: techniquesOf(event, true),
  }
}

function isOfForeigner(dataset: Dataset, policy: CompiledPolicy | undefined): boolean {
  const verdict = policy?.datasets?.judge(dataset, undefined)
  return verdict?.allowed === false && verdict.because === 'tenant'
}

function silenceOf(policy: CompiledPolicy | undefined): Pick<FindingDraft, 'policy' | 'silence'> {
  const reference = policy?.datasets?.tenantsReference
  if (policy === undefined) {
    return { silence: 'give the agent a policy whose datasets.tenants_per_session says how many there may be' }
  }
  if (reference === undefined) {
    return { silence: `${policy.file}: set datasets.tenants_per_session above 1` }
  }
  return silencedBy(reference)
}

/** Collection from data of others; what an agent does to data, or for whom it was not meant, is done with its tools. */
function techniquesOf(event: Telemetry, acted: boolean): string[] {
  const collected =
    event.operation === 'retrieval'
      ? ['AML.T0085', 'AML.T0085.000']
      : event.tool === null
        ? ['AML.T0085']
        : ['AML.T0085', 'AML.T0085.001']
  return [...collected, ...(acted && event.tool !== null ? ['AML.T0053'] : [])]
}
