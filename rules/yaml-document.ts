/**
 * YAML that operators write, read strictly: version 1.2 with the core schema, no duplicate keys, no tags of other
 * languages, few aliases; and with the line of everything, so that a problem can be pointed at.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from 'yaml'
import type { Problem } from '../schema/errors.ts'

/** The largest file read, in bytes. */
export const YAML_FILE_LIMIT = 1024 * 1024
/** The most aliases one document may resolve; more than anyone writes, fewer than a bomb needs. */
const ALIAS_LIMIT = 50

const FAULTS_TOLD = 20
/** Levels of maps and lists; everything that an operator writes needs fewer than ten. */
const DEPTH_LIMIT = 32

/** Keys and indexes from the root of a document. */
export type Path = readonly (string | number)[]

/** One document of a file: plain data, and where each part of it stands. */
export interface YamlDocument {
  readonly file: string
  readonly data: unknown
  /** Where the value at a path stands, or the nearest thing around it. Lines and columns count from 1. */
  positionOf(path: Path): Position
  /** Where a key stands, for problems with the key itself. */
  positionOfKey(path: Path, key: string): Position
}

export interface Position {
  readonly line: number
  readonly column: number
}

/** Reads every document of a file. Empty documents are skipped. Problems are complete: nothing is thrown. */
export function readYaml(
  text: string,
  file: string,
): { readonly documents: readonly YamlDocument[]; readonly problems: readonly Problem[] } {
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text.replace(/^\uFEFF/, ''), {
    version: '1.2',
    schema: 'core',
    uniqueKeys: true,
    strict: true,
    merge: false,
    prettyErrors: false,
    lineCounter: lines,
  })
  const documents: YamlDocument[] = []
  const problems: Problem[] = []
  for (const document of Array.isArray(parsed) ? parsed : []) {
    // What is garbled through and through need not be told a thousand times.
    const faults = [...document.errors, ...document.warnings].slice(0, FAULTS_TOLD).map((fault) => ({
      file,
      ...place(lines, fault.pos[0]),
      message: firstLine(fault.message),
    }))
    faults.push(...(faults.length === 0 ? lostAliases(document, lines, file) : []))
    problems.push(...faults)
    if (faults.length === 0 && document.contents !== null) {
      const read = dataOf(document)
      if ('message' in read) {
        problems.push({ file, ...positionOf(document, lines, []), message: read.message })
      } else if (read.data !== null) {
        documents.push({
          file,
          data: read.data,
          positionOf: (path) => positionOf(document, lines, path),
          positionOfKey: (path, key) => positionOfKey(document, lines, path, key),
        })
      }
    }
  }
  return { documents, problems }
}

/** A name that starts with `*` and is not quoted reads as an alias: the likeliest mistake in a list of hosts. */
function lostAliases(document: Document.Parsed, lines: LineCounter, file: string): Required<Problem>[] {
  const lost: Required<Problem>[] = []
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) === undefined) {
        lost.push({
          file,
          ...place(lines, alias.range?.[0] ?? 0),
          message: `'*${alias.source}' is an alias of nothing`,
          suggestion: `if a wildcard is meant, quote it: '*${alias.source}'`,
        })
      }
    },
  })
  return lost
}

function dataOf(document: Document.Parsed): { readonly data: unknown } | { readonly message: string } {
  try {
    const data: unknown = document.toJS({ maxAliasCount: ALIAS_LIMIT })
    return isDeeperThan(DEPTH_LIMIT, data) ? { message: `nests more than ${DEPTH_LIMIT} levels` } : { data }
  } catch (error) {
    // The only thing it throws for a document without errors: aliases that multiply, or that name nothing.
    return { message: firstLine(error instanceof Error ? error.message : String(error)) }
  }
}

/** An alias of what it stands in has no end: such data is as deep as one looks. */
function isDeeperThan(limit: number, data: unknown): boolean {
  return (
    typeof data === 'object' &&
    data !== null &&
    (limit === 0 || Object.values(data).some((value) => isDeeperThan(limit - 1, value)))
  )
}

function firstLine(message: string): string {
  return message.split('\n')[0] ?? message
}

function place(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

function positionOf(document: Document.Parsed, lines: LineCounter, path: Path): Position {
  let node = document.contents as Node | null
  let offset = node?.range?.[0] ?? 0
  for (const step of path) {
    const child = childOf(resolve(document, node), step)
    if (child === undefined) {
      break
    }
    node = child.value
    offset = node?.range?.[0] ?? child.offset ?? offset
  }
  return place(lines, offset)
}

function positionOfKey(document: Document.Parsed, lines: LineCounter, path: Path, key: string): Position {
  let node = document.contents as Node | null
  for (const step of path) {
    node = childOf(resolve(document, node), step)?.value ?? null
  }
  const offset = childOf(resolve(document, node), key)?.offset
  return offset === undefined ? positionOf(document, lines, path) : place(lines, offset)
}

/** A child of a map or list, and where its key (or itself) starts. */
function childOf(node: Node | null, step: string | number) {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step))
    return pair === undefined
      ? undefined
      : { value: isNode(pair.value) ? pair.value : null, offset: isNode(pair.key) ? pair.key.range?.[0] : undefined }
  }
  if (isSeq(node)) {
    const item = node.items[Number(step)]
    return isNode(item) ? { value: item, offset: item.range?.[0] } : undefined
  }
  return undefined
}

function resolve(document: Document.Parsed, node: Node | null): Node | null {
  return isAlias(node) ? ((node.resolve(document) as Node | undefined) ?? null) : node
}
