/**
 * Validators of what the stages exchange, compiled once. The engine calls them at its boundaries only: where a
 * record comes off the bus, where history is read from a file.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { TSchema } from 'typebox'
import { Alert } from './alert.ts'
import { Finding, FindingDraft } from './finding.ts'
import { Mark } from './mark.ts'
import { Telemetry } from './telemetry.ts'

/** Says what is wrong with a value, the first problem and where (`/agent/id must be string`); `undefined` when nothing is. */
export type Validate = (value: unknown) => string | undefined

// Values are never coerced, filled in or stripped: what is stored is what was validated.
const ajv = new Ajv({
  strict: true,
  strictTypes: false,
  // Lengths in UTF-16 units, as all our limits are; counting code points would cost more than all other checks.
  unicode: false,
  logger: false,
})

export const validateTelemetry: Validate = validator(Telemetry)
export const validateFinding: Validate = validator(Finding)
export const validateMark: Validate = validator(Mark)
/** What travels on `[findings]`. */
export const validateSeen: Validate = (value) =>
  (typeof value === 'object' && value !== null && 'mark_id' in value ? validateMark : validateFinding)(value)
export const validateAlert: Validate = validator(Alert)
/** For the detector contract: what detectors return before the engine completes it. */
export const validateFindingDraft: Validate = validator(FindingDraft)

/** Compiles a schema of this folder on first use, so that a process pays only for those it needs. */
export function validator(schema: TSchema): Validate {
  let compiled: ValidateFunction | undefined
  return (value) => {
    compiled ??= ajv.compile(schema)
    return compiled(value) ? undefined : describe(compiled.errors?.[0])
  }
}

/** Never quotes the value: it may be long, secret or hostile. The name of an unknown field is quoted and cut. */
function describe(error: ErrorObject | undefined): string {
  if (error === undefined) {
    return 'is not valid'
  }
  const at = error.instancePath === '' ? 'the record' : error.instancePath.slice(0, 200)
  const extra = error.params.additionalProperty
  const field = typeof extra === 'string' ? ` ${JSON.stringify(extra.slice(0, 60))}` : ''
  return `${at} ${error.message ?? 'is not valid'}${field}`
}
