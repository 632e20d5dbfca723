/** `docs/kubernetes.md`: its second table follows from the first, and what it has people apply is what there is. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { parseCommand } from '../commands/arguments.ts'
import { commands } from '../commands/index.ts'
import { VERSION } from '../package-files.ts'

const page = readFileSync('docs/kubernetes.md', 'utf8')
const rows = page
  .split('\n')
  .filter((line) => /^\| [^|]/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))
const number = (text: string) => Number(text.replaceAll(',', ''))

/** 7.000000000000001 is seven. */
const roundedUp = (value: number) => Math.ceil(Number(value.toFixed(6)))

/** Of the table of inputs. */
function input(start: string): number {
  const found = rows.filter(
    ([, what, , from]) => what?.startsWith(start) && from !== '' && Number.isNaN(number(from ?? '')),
  )
  expect(found.map(([, what]) => what)).toHaveLength(1)
  return number(found[0]?.[2] ?? '')
}

/** Of the table of results, for each number of agents. */
function result(start: string): readonly number[] {
  const found = rows.find(
    ([, what, first, second]) => what?.startsWith(start) && !Number.isNaN(number(`${first}${second}`)),
  )
  return (found ?? []).slice(2, 5).map(number)
}

describe('how many of what', () => {
  const agents = result('agents')
  const average = agents.map((count) => count * input('spans a second'))
  const peak = average.map((spans) => spans * input('peak'))
  const cores = (stage: string) => peak.map((spans) => (spans * input(`${stage}, µs`)) / 1e6 / input('share'))
  const podsOf = (stage: string) => cores(stage).map((count) => Math.max(2, roundedUp(count)))
  const gigabytes = (bytes: number, hours: number, copies: number) =>
    average.map((spans) => Math.round((spans * bytes * hours * 3600 * copies) / 1e9))

  it('is for three sizes', () => {
    expect(agents).toEqual([1000, 50_000, 500_000])
  })

  it('follows for spans, pods and their memory', () => {
    expect(result('spans a second, average')).toEqual(average)
    expect(result('spans a second, peak')).toEqual(peak)
    for (const stage of ['collect', 'assemble', 'detect', 'write']) {
      expect([stage, result(`${stage}, pods`)]).toEqual([stage, podsOf(stage)])
    }
    const detect = podsOf('detect')
    const memory = agents.map((count, size) => {
      return Math.ceil(1024 + (count * input('profile')) / (detect[size] ?? 1) / 1024)
    })
    expect(result('detect, memory')).toEqual(memory)
  })

  it('follows for Kafka', () => {
    const pods = ['assemble', 'detect', 'write'].map(podsOf)
    const partitions = agents.map(
      (_, size) => Math.ceil((4 * Math.max(...pods.map((each) => each[size] ?? 0))) / 12) * 12,
    )
    expect(result('partitions')).toEqual(partitions)
    const copies = input('copies on Kafka')
    const written = peak.map((spans) => (spans * (input('log, bytes') + input('changelogs, bytes')) * copies) / 1e6)
    expect(result('Kafka brokers')).toEqual(written.map((mb) => Math.max(3, roundedUp(mb / input('a broker writes')))))
    expect(result('Kafka disk')).toEqual(gigabytes(input('log, bytes'), input('hours'), copies))
  })

  it('follows for ClickHouse', () => {
    const copies = input('copies on ClickHouse')
    expect(result('ClickHouse cores')).toEqual(cores('ClickHouse').map((count) => roundedUp(count * copies)))
    expect(result('ClickHouse disk')).toEqual(gigabytes(input('store, bytes'), input('days') * 24, copies))
  })
})

interface Manifest {
  readonly kind: string
  readonly spec: {
    readonly template?: {
      readonly spec: { readonly containers: readonly { readonly args: readonly string[]; readonly image: string }[] }
    }
  }
}

describe('the manifests', () => {
  const documents = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].flatMap(([, yaml]) => parseAllDocuments(yaml ?? ''))
  const manifests = documents.map((document) => document.toJS() as Manifest)
  const containers = manifests.flatMap(({ spec }) => spec.template?.spec.containers ?? [])

  it('are YAML that says what it is', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([])
    expect(manifests.map(({ kind }) => kind)).toEqual([
      ...['Deployment', 'PodDisruptionBudget', 'Service', 'StatefulSet', 'Service', 'ScaledObject'],
    ])
  })

  it('run commands that there are, of this version', () => {
    expect(containers).toHaveLength(2)
    for (const { args, image } of containers) {
      const syntax = commands.find((each) => each.syntax.name === args[0])?.syntax
      expect(syntax && parseCommand(syntax, args.slice(1)).operands).toEqual([])
      expect(image).toBe(`registry.example.com/telltale:${VERSION}`)
    }
  })
})
