/**
 * The decoys of a policy: what no honest work ever touches. Planted data, tools, hosts and credentials, so that whoever
 * touches one gives itself away.
 */
import { type Static, Type } from 'typebox'
import { list, Name, strict } from './words.ts'

export const CanaryPolicy = Type.Object(
  {
    /** Datasets by id, `*` for any run of characters; what arguments name is found by the end of an id, too. */
    datasets: Type.Optional(list(Name)),
    /** Tools by name, `*` for any run of characters; `server/tool` for one server's. Case and Unicode form do not count. */
    tools: Type.Optional(list(Name)),
    /** Hosts, as in `egress.allow`. */
    hosts: Type.Optional(list(Name)),
    /** SHA-256 of decoy credentials: one word of at least 12 characters each, or anything that a collector masks. */
    tokens: Type.Optional(
      list(
        Type.String({
          pattern: '^[0-9a-f]{64}$',
          description: 'the SHA-256 of the decoy in lower-case hexadecimal: printf %s "$DECOY" | sha256sum',
        }),
      ),
    ),
  },
  { ...strict, minProperties: 1 },
)
export type CanaryPolicy = Static<typeof CanaryPolicy>
