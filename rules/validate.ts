/** Checks policy documents against their schema, and says what is wrong in the words of someone who wrote the file. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { Problem } from '../schema/errors.ts'
import { Policy } from '../schema/policy.ts'
import { nearest } from './suggestion.ts'
import type { Path, YamlDocument } from './yaml-document.ts'

/** Compiled when the first policy is read: it takes a tenth of a second, and most processes read none. */
let check: ValidateFunction<Policy> | undefined

/** The policy that a document holds, or everything that is wrong with it. */
export function readPolicy(document: YamlDocument): { readonly policy: Policy } | { readonly problems: Problem[] } {
  const { data } = document
  check ??= new Ajv({ allErrors: true, verbose: true, strict: false }).compile<Policy>(Policy)
  if (check(data)) {
    return { policy: data }
  }
  return { problems: describeErrors(check.errors ?? [], document) }
}

/**
 * What a validator (ajv with `allErrors` and `verbose`) found wrong with a document, in words and with places.
 * The configuration file is read with it, too.
 */
export function describeErrors(errors: readonly ErrorObject[], document: YamlDocument): Problem[] {
  return withoutEchoes(errors).map((error) => problemOf(error, document))
}

/**
 * Where one of several forms was possible, the validator complains about each. What was written decides which
 * complaints are to the point: inside a map those of the map form, else one that names both forms.
 */
function withoutEchoes(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const choices = errors.filter((error) => error.keyword === 'anyOf')
  return errors.filter((error) => {
    const choice = choices.find(
      ({ instancePath }) => error.instancePath === instancePath || error.instancePath.startsWith(`${instancePath}/`),
    )
    if (choice === undefined) {
      return true
    }
    const isMap = typeof choice.data === 'object' && choice.data !== null && !Array.isArray(choice.data)
    return isMap ? error !== choice && error.keyword !== 'type' : error === choice
  })
}

function problemOf(error: ErrorObject, document: YamlDocument): Problem {
  const path = pathOf(error.instancePath)
  const words = describe(error)
  const position = words.key === undefined ? document.positionOf(path) : document.positionOfKey(path, words.key)
  const where = path.length === 0 ? '' : `${spell(path)}: `
  return {
    file: document.file,
    ...position,
    message: `${where}${words.message}`,
    ...(words.suggestion === undefined ? {} : { suggestion: words.suggestion }),
  }
}

interface Words {
  readonly message: string
  readonly suggestion?: string | undefined
  /** The key that is at fault, when it is a key and not a value. */
  readonly key?: string
}

function describe(error: ErrorObject): Words {
  const { keyword, params, parentSchema } = error
  switch (keyword) {
    case 'additionalProperties':
      return unknownKey(String(params.additionalProperty), Object.keys(parentSchema?.properties ?? {}))
    case 'required':
      return { message: `'${params.missingProperty}' is missing` }
    case 'dependencies':
      return { message: `'${params.missingProperty}' is missing, which '${params.property}' needs` }
    case 'enum':
      return wrongValue(error.data, params.allowedValues as readonly unknown[])
    case 'const':
      return wrongValue(error.data, [params.allowedValue])
    case 'type':
      return {
        message: `must be ${TYPES.get(String(params.type)) ?? params.type}, not ${kindOf(error.data)}`,
        suggestion: params.type === 'string' && isBare(error.data) ? 'write it in quotes' : undefined,
      }
    case 'anyOf':
      return { message: `must be ${parentSchema?.description ?? 'one of the known forms'}, not ${kindOf(error.data)}` }
    case 'pattern':
      return { message: `${shown(error.data)} is not allowed here`, suggestion: parentSchema?.description }
    case 'minProperties':
      return {
        message: 'must say something',
        suggestion: `one of: ${Object.keys(parentSchema?.properties ?? {}).join(', ')}`,
      }
    case 'minLength':
    case 'minItems':
      return { message: 'must not be empty' }
    default:
      return { message: error.message ?? keyword }
  }
}

function unknownKey(key: string, known: readonly string[]): Words {
  const meant = nearest(key, known)
  return {
    key,
    message: `unknown key ${shown(key)}`,
    suggestion: meant === undefined ? `known keys: ${known.join(', ')}` : `did you mean '${meant}'?`,
  }
}

function wrongValue(data: unknown, allowed: readonly unknown[]): Words {
  const words = allowed.map(String)
  const meant = typeof data === 'string' ? nearest(data, words) : undefined
  return {
    message: `${shown(data)} is not a value of it`,
    suggestion: meant === undefined ? `allowed: ${words.join(', ')}` : `did you mean '${meant}'?`,
  }
}

const TYPES = new Map([
  ['object', 'a map of keys and values'],
  ['array', 'a list'],
  ['string', 'text'],
  ['integer', 'a whole number'],
  ['number', 'a number'],
  ['boolean', 'true or false'],
  ['boolean,object', 'true, false or a map of keys and values'],
])

function isBare(data: unknown): boolean {
  return typeof data === 'number' || typeof data === 'boolean'
}

function kindOf(data: unknown): string {
  if (data === null || data === undefined) {
    return 'empty'
  }
  if (Array.isArray(data)) {
    return 'a list'
  }
  return typeof data === 'object' ? 'a map' : `${shown(data)}`
}

function shown(data: unknown): string {
  const text = typeof data === 'object' ? kindOf(data) : String(data)
  return typeof data === 'string' ? `'${text.slice(0, 60)}'` : text.slice(0, 60)
}

/** The path that a validator writes as a JSON pointer (RFC 6901). */
export function pathOf(pointer: string): Path {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function spell(path: Path): string {
  return path
    .map((step, index) => (/^\d+$/.test(String(step)) ? `[${step}]` : `${index === 0 ? '' : '.'}${step}`))
    .join('')
}
