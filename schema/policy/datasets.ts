/** The data an agent may touch: `datasets` of a policy. */
import { type Static, Type } from 'typebox'
import { CLASSIFICATIONS, DATASET_OPERATIONS } from '../telemetry.ts'
import { list, Name, strict } from './words.ts'

const Rows = Type.Integer({ minimum: 0 })

/**
 * Datasets by id as `docs/datasets.md` writes them, `*` for any run of characters. An entry may be the end of an id,
 * after a `/` or a `.`: `leads` also means `postgresql/crm/leads`.
 */
export const DatasetPattern = Type.Union(
  [
    Name,
    Type.Object(
      {
        id: Name,
        /** What may be done with it. Absent: anything. */
        operations: Type.Optional(Type.Array(Type.Enum([...DATASET_OPERATIONS]), { minItems: 1, maxItems: 3 })),
        /** Rows one call may give, in place of `max_rows` of the section. */
        max_rows: Type.Optional(Rows),
      },
      strict,
    ),
  ],
  { description: "a dataset id, a glob such as 'postgresql/crm/*', or {id: ..., operations: [...], max_rows: ...}" },
)
export type DatasetPattern = Static<typeof DatasetPattern>

export const DatasetPolicy = Type.Object(
  {
    /** What may be touched. Absent: everything that `deny` does not name. Empty: nothing. */
    allow: Type.Optional(list(DatasetPattern)),
    /** Beats `allow`. */
    deny: Type.Optional(list(Name)),
    /** The highest classification the agent is cleared for. */
    clearance: Type.Optional(Type.Enum([...CLASSIFICATIONS])),
    /** Whose data the agent may touch: names, or globs. Absent: of every tenant. */
    tenants: Type.Optional(list(Name)),
    /** Where the tenant stands in ids: `postgresql/{tenant}/*`, `s3://{tenant}-exports`. */
    tenant_in: Type.Optional(
      Type.Array(
        Type.String({
          pattern: '^[^*{}]{0,256}\\{tenant\\}[^*{}]{0,256}\\*?$',
          description: "an id with {tenant} in it once, and a '*' at its end alone: 'postgresql/{tenant}/*'",
        }),
        { minItems: 1, maxItems: 64 },
      ),
    ),
    /** How many tenants one session may touch. Absent: 1. */
    tenants_per_session: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
    /** Rows one call may give. */
    max_rows: Type.Optional(Rows),
  },
  { ...strict, minProperties: 1 },
)
export type DatasetPolicy = Static<typeof DatasetPolicy>
