/**
 * The datasets part of a policy, compiled.
 *
 * Ids are compared by their ends, without regard to case. An entry of either list means every id that ends in it
 * (`leads`: `postgresql/crm/leads`, too), so who means one dataset writes its whole id. An id of which only the end is
 * known is allowed when some entry of `allow` may mean it, unless `deny` names it by itself; where no entry of `allow`
 * may, it is denied when an entry of `deny` ends in it. So doubt speaks for the agent where `allow` leaves room for it,
 * and a denied name is denied however little of the id is said.
 */
import type { PolicyReference } from '../schema/finding.ts'
import type { DatasetPattern, DatasetPolicy } from '../schema/policy/datasets.ts'
import { quoteName } from '../schema/quote-name.ts'
import { CLASSIFICATIONS, type Dataset, type DatasetOperation } from '../schema/telemetry.ts'
import { IdIndex, isPartial } from './dataset-ids.ts'
import { compileTenantPlace, type ReadTenant, tenantOf } from './dataset-tenant.ts'
import { compileGlob, type Matches } from './glob.ts'
import { ALLOWED, type LineOf, type Refusal, referenceTo, summarize, VerdictCache } from './verdict.ts'

type Because = 'tenant' | 'denied' | 'clearance' | 'not-listed' | 'operation' | 'rows'

/** What a policy refuses of data. `doubt`: only the end of the id is known, and it may be of another dataset. */
type Violation = Refusal<Because> & { readonly doubt: boolean }

/** What a policy says about one dataset, or about how much of it. */
export type DatasetVerdict = typeof ALLOWED | Violation

/** What a policy says about data. */
export interface DatasetRules {
  /** The gravest thing that is wrong. `operation`: what was done, where anything says so. */
  judge(dataset: Dataset, operation: DatasetOperation | undefined): DatasetVerdict
  /** Whether one call that touched these may give so many rows. */
  judgeRows(datasets: readonly Dataset[], rows: number): DatasetVerdict
  /** Whose data it is, in lower case, where anything says so. */
  tenantOf(dataset: Dataset): string | undefined
  /** How many tenants one session may touch, and the line that says so. */
  readonly tenantsPerSession: number
  readonly tenantsReference: PolicyReference
}

interface Entry {
  readonly id: string
  readonly line: number | undefined
  readonly operations: readonly DatasetOperation[] | undefined
  readonly maxRows: number | undefined
}

/** Compiles `datasets` of one policy. `lineOf` gives the line of a path inside `datasets`. */
export function compileDatasets(policy: DatasetPolicy, file: string, lineOf: LineOf): DatasetRules {
  return new CompiledDatasets(policy, file, lineOf)
}

class CompiledDatasets implements DatasetRules {
  readonly tenantsPerSession: number
  readonly tenantsReference: PolicyReference
  readonly #policy: DatasetPolicy
  readonly #file: string
  readonly #lineOf: LineOf
  readonly #allowed: IdIndex<Entry> | undefined
  readonly #denied: IdIndex<Entry>
  readonly #places: readonly ReadTenant[]
  readonly #tenants: readonly Matches[] | undefined
  readonly #limitsRows: boolean
  readonly #listed: string
  readonly #verdicts = new VerdictCache<DatasetVerdict>()

  constructor(policy: DatasetPolicy, file: string, lineOf: LineOf) {
    const { allow, tenants_per_session: tenantsPerSession } = policy
    this.#policy = policy
    this.#file = file
    this.#lineOf = lineOf
    this.#allowed = allow && indexOf(allow, 'allow', lineOf)
    this.#denied = indexOf(policy.deny ?? [], 'deny', lineOf)
    this.#places = (policy.tenant_in ?? []).map(compileTenantPlace)
    this.#tenants = policy.tenants?.map((tenant) => compileGlob(tenant.toLowerCase()))
    this.#limitsRows =
      policy.max_rows !== undefined ||
      (allow ?? []).some((entry) => typeof entry !== 'string' && entry.max_rows !== undefined)
    this.#listed = describeList(policy)
    this.tenantsPerSession = tenantsPerSession ?? 1
    this.tenantsReference = this.#reference(
      tenantsPerSession === undefined ? [] : ['tenants_per_session'],
      `set datasets.tenants_per_session above ${this.tenantsPerSession}`,
    )
  }

  judge(dataset: Dataset, operation: DatasetOperation | undefined): DatasetVerdict {
    const key = `${operation ?? ''}\n${dataset.classification ?? ''}\n${JSON.stringify(dataset.tenant ?? null)}\n${dataset.id}`
    return this.#verdicts.get(
      key,
      () =>
        this.#judgeTenant(dataset) ??
        this.#denial(this.#denied.naming(dataset.id)[0], false) ??
        this.#judgeClearance(dataset) ??
        this.#judgeListed(dataset, operation),
    )
  }

  /** The largest limit of those that may speak for what was touched: the rows of one call are of all of it together. */
  judgeRows(datasets: readonly Dataset[], rows: number): DatasetVerdict {
    const section = this.#policy.max_rows
    const entries = this.#limitsRows ? datasets.flatMap((dataset) => this.#candidates(dataset) ?? []) : []
    if (!this.#limitsRows || entries.some(({ maxRows }) => (maxRows ?? section) === undefined)) {
      return ALLOWED
    }
    let most = entries.length === 0 ? section : undefined
    let line = this.#lineOf(['max_rows'])
    for (const entry of entries) {
      const own = entry.maxRows ?? section ?? 0
      if (most === undefined || own > most) {
        most = own
        line = entry.maxRows === undefined ? this.#lineOf(['max_rows']) : entry.line
      }
    }
    return most === undefined || rows <= most
      ? ALLOWED
      : violation('rows', `at most ${most} rows a call`, referenceTo(this.#file, line, `raise max_rows to ${rows}`))
  }

  tenantOf(dataset: Dataset): string | undefined {
    return tenantOf(dataset, this.#places)
  }

  #judgeTenant(dataset: Dataset): Violation | undefined {
    const tenant = this.#tenants === undefined ? undefined : tenantOf(dataset, this.#places)
    if (tenant === undefined || this.#tenants?.some((matches) => matches(tenant)) === true) {
      return undefined
    }
    const expected = `data of ${summarize(this.#policy.tenants ?? [], 'no tenant')}`
    const allowWith = `add ${quoteName(tenant)} to datasets.tenants`
    return violation('tenant', expected, this.#reference(['tenants'], allowWith))
  }

  #judgeClearance({ classification }: Dataset): Violation | undefined {
    const { clearance } = this.#policy
    if (clearance === undefined || classification === undefined || rank(classification) <= rank(clearance)) {
      return undefined
    }
    const allowWith = `raise datasets.clearance to ${classification}`
    return violation('clearance', `data that is at most ${clearance}`, this.#reference(['clearance'], allowWith))
  }

  #judgeListed(dataset: Dataset, operation: DatasetOperation | undefined): DatasetVerdict {
    const found = this.#candidates(dataset)
    const [first] = found ?? []
    if (first === undefined) {
      const spelled = isPartial(dataset.id) ? this.#denied.spelling(dataset.id)[0] : undefined
      const allowWith = `add ${writtenOut(dataset.id)} to datasets.allow`
      const unlisted = violation('not-listed', this.#listed, this.#reference(['allow'], allowWith))
      return this.#denial(spelled, true) ?? (found === undefined ? ALLOWED : unlisted)
    }
    if (operation === undefined || found?.some((entry) => permits(entry, operation)) === true) {
      return ALLOWED
    }
    const expected = `${(first.operations ?? []).join(', ')} of ${shown(first)}`
    const allowWith = `add ${operation} to the operations of ${shown(first)} in datasets.allow`
    return violation('operation', expected, referenceTo(this.#file, first.line, allowWith))
  }

  /** Entries of `allow` that may speak for a dataset; `undefined` when every dataset may be touched. */
  #candidates({ id }: Dataset): readonly Entry[] | undefined {
    const allowed = this.#allowed
    return allowed && [...allowed.naming(id), ...(isPartial(id) ? allowed.meaning(id) : [])]
  }

  #denial(entry: Entry | undefined, doubt: boolean): Violation | undefined {
    if (entry === undefined) {
      return undefined
    }
    const policy = referenceTo(this.#file, entry.line, `remove ${shown(entry)} from datasets.deny`)
    return { ...violation('denied', this.#listed, policy), doubt }
  }

  #reference(path: readonly string[], allowWith: string): PolicyReference {
    return referenceTo(this.#file, this.#lineOf(path), allowWith)
  }
}

function indexOf(patterns: readonly DatasetPattern[], list: string, lineOf: LineOf): IdIndex<Entry> {
  const entries = patterns.map((pattern, index): Entry => {
    const { id, operations, max_rows } = typeof pattern === 'string' ? { id: pattern } : pattern
    return { id, line: lineOf([list, index]), operations, maxRows: max_rows }
  })
  return new IdIndex(entries, ({ id }) => id)
}

function violation(because: Because, expected: string, policy: PolicyReference): Violation {
  return { allowed: false, because, doubt: false, expected, policy }
}

function permits({ operations }: Entry, operation: DatasetOperation): boolean {
  return operations === undefined || operations.includes(operation)
}

function rank(classification: NonNullable<Dataset['classification']>): number {
  return CLASSIFICATIONS.indexOf(classification)
}

/** Quoting takes URIs apart, so that no screen makes links of them; such a name cannot be copied. */
function writtenOut(id: string): string {
  return id.includes('//') ? 'its id (untrusted_dataset)' : quoteName(id)
}

function shown({ id }: Entry): string {
  return `'${id.slice(0, 200)}'`
}

function describeList({ allow, deny }: DatasetPolicy): string {
  const idOf = (pattern: DatasetPattern) => (typeof pattern === 'string' ? pattern : pattern.id)
  const allowed = allow === undefined ? 'any dataset' : summarize(allow.map(idOf), 'no dataset')
  return deny === undefined || deny.length === 0 ? allowed : `${allowed}; never ${summarize(deny, '')}`
}
