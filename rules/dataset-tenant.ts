/** Whose data a dataset is: as it is stated, as the policy says where to read it, or as its id says outright. */
import type { Dataset } from '../schema/telemetry.ts'

/** Reads the tenant out of an id in lower case. */
export type ReadTenant = (id: string) => string | undefined

const PLACE = '{tenant}'

/** Compiles `postgresql/{tenant}/*`: a name without `/` between what stands before and behind it. */
export function compileTenantPlace(template: string): ReadTenant {
  const [before = '', rest = ''] = template.toLowerCase().split(PLACE)
  const open = rest.endsWith('*')
  const behind = open ? rest.slice(0, -1) : rest
  return (id) => {
    if (!id.startsWith(before)) {
      return undefined
    }
    const start = before.length
    const found = behind !== '' ? id.indexOf(behind, start + 1) : open ? endOfPart(id, start) : id.length
    const whole = open || found + behind.length === id.length
    const name = found < 0 || !whole ? '' : id.slice(start, found)
    return name === '' || name.includes('/') ? undefined : name
  }
}

function endOfPart(id: string, start: number): number {
  const slash = id.indexOf('/', start)
  return slash < 0 ? id.length : slash
}

/** `.../tenant=acme/...`, `tenant:acme`; in URIs also `.../tenants/acme/...`. A database may be called `tenants`. */
const PARTITION = /(?:^|[/.])tenants?[=:]([a-z0-9][a-z0-9_-]{0,63})(?=[/.]|$)/
const PATH = /:\/\/.{0,400}\/tenants?\/([a-z0-9][a-z0-9_-]{0,63})(?=\/|$)/

/** The tenant of a dataset, in lower case; `undefined` when nothing says whose it is. */
export function tenantOf(dataset: Dataset, places: readonly ReadTenant[]): string | undefined {
  if (dataset.tenant !== undefined) {
    return dataset.tenant.toLowerCase()
  }
  const id = dataset.id.toLowerCase()
  for (const read of places) {
    const tenant = read(id)
    if (tenant !== undefined) {
      return tenant
    }
  }
  return id.includes('tenant') ? (PARTITION.exec(id) ?? PATH.exec(id))?.[1] : undefined
}
