/**
 * Fits the weights of the injection detector: two linear models over named features of the one sentence of a text that
 * scores highest (multiple-instance logistic regression), one for documents and results of tools, one for messages between
 * agents, where orders are daily work. Deterministic: the same data gives the same weights.
 *
 *   fit-injection --data DIR [--write FILE] [--errors]
 *
 * Prints recall per family and false alarms per source as fitted, with each source left out in turn, and with each family
 * of attacks left out in turn.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { mask } from '../collectors/sanitize/mask.ts'
import {
  ATTACKS,
  ATTACKS_BETWEEN_AGENTS,
  ATTACKS_IN_OTHER_LANGUAGES,
  NEAR_MISSES,
  TASKS_BETWEEN_AGENTS,
} from '../detectors/injection/examples.ts'
import { FEATURES } from '../detectors/injection/feature-names.ts'
import { readings } from '../detectors/injection/judge.ts'
import { CONTENT_LIMIT } from '../schema/telemetry.ts'
import {
  ATTACKED_SUITES,
  CLEAN_SUITES,
  ORDERS_OF_THE_BENCHMARK,
  readGuides,
  readResults,
  readTexts,
} from './injection-data.ts'
import { readLabelledTexts } from './labelled-texts.ts'

/** The examples of this project; they do not count when the threshold is set. */
const OWN = 'own-examples'
/** Examples of this project are few and varied, where the labelled attacks are many and alike. */
const OWN_WEIGHT = 10
const ROUNDS = 5
const STEPS = 500
const L2 = 4e-4
/** How many of the highest-scoring sentences of a clean text are learned from. */
const HARD_SENTENCES = 3

interface Bag {
  readonly source: string
  readonly family: string
  readonly attack: boolean
  readonly count: number
  readonly weight: number
  readonly sentences: readonly (readonly number[])[]
  readonly text: string
}
interface Fit {
  readonly bias: number
  readonly weights: Float64Array
}
interface Source {
  readonly source: string
  readonly family: string
  readonly attack: boolean
  readonly count: number
  readonly text: string
}

const score = (model: Fit, features: readonly number[]) =>
  features.reduce((sum, id) => sum + (model.weights[id] ?? 0), model.bias)
const best = (model: Fit, bag: Bag) =>
  bag.sentences.reduce((top, features) => Math.max(top, score(model, features)), -20)

/** Features of the length and of the surroundings, which padding changes: held small. */
const SHRINK = FEATURES.map((name) => (/^field|^one field|^sentence|^has:(docs|greeting|cited)/.test(name) ? 4 : 1))

/**
 * What may speak against an instruction: the register of people and of guides, and shapes that guides and programs have.
 * All else speaks for one or not at all, so that nothing which belongs to an attack can excuse it.
 */
const MAY_EXCUSE = FEATURES.map((name) =>
  /^field|^one field|^sentence|docs|greeting|cited|^order asked politely|identifier|^near:order|^order:(?:fetch|say|compose|change)/.test(
    name,
  ),
)

function bagsOf(rows: readonly Source[]): Bag[] {
  const perGroup = new Map<string, number>()
  const groupOf = (row: Source) => `${row.source} ${row.family}`
  for (const row of rows) {
    perGroup.set(groupOf(row), (perGroup.get(groupOf(row)) ?? 0) + 1)
  }
  return rows.map((row) => {
    const size = perGroup.get(groupOf(row)) ?? 1
    const text = mask(row.text).slice(0, CONTENT_LIMIT)
    return {
      ...row,
      // Groups count by the root of their size, so that a large one does not decide alone.
      weight:
        row.source === OWN ? OWN_WEIGHT : row.attack ? Math.sqrt(100 / size) : Math.max(0.5, Math.sqrt(100 / size)),
      sentences: [...readings(text)].flatMap(({ candidates }) => candidates.filter((one) => one !== undefined)),
      text,
    }
  })
}

/**
 * What is known of instructions without data: weights are drawn to these where data says nothing, so that the detector
 * does not forget what none of the recorded attacks happens to show.
 */
const KNOWN: readonly (readonly [RegExp, number])[] = [
  [/^override>instructions$/, 2],
  [/^(?:override>prior|instructions>override|without the user knowing|order labelled:agent|hidden and order)$/, 1.5],
  [/^(?:decoded and order|invisible characters)$/, 2],
  [/^(?:override>you|markup and order|near:markup and order|order labelled:todo|agent>must|new instructions)$/, 1],
  [
    /^(?:order to an agent|order of an outward act with (?:an address|a secret)|order about your answer|order labelled:(?:authority|renew|override))$/,
    0.8,
  ],
]
const PRIOR = Float64Array.from(FEATURES, (name) => KNOWN.find(([pattern]) => pattern.test(name))?.[1] ?? 0)

function startingModel(): Fit {
  const weights = new Float64Array(FEATURES.length)
  FEATURES.forEach((name, id) => {
    weights[id] = /override>|^markup|^hidden|agent|renew|address|without the user/.test(name)
      ? 1
      : /greeting|docs|cited/.test(name)
        ? -1
        : /^(?:order|asked):/.test(name)
          ? 0.5
          : 0
  })
  return { bias: -3, weights }
}

function fitModel(bags: readonly Bag[]): Fit {
  let model = startingModel()
  for (let round = 0; round < ROUNDS; round += 1) {
    const instances: Instance[] = []
    for (const bag of bags) {
      const ranked = bag.sentences
        .map((features) => ({ features, rank: score(model, features) }))
        .sort((a, b) => b.rank - a.rank)
      for (const { features } of ranked.slice(0, bag.attack ? 1 : HARD_SENTENCES)) {
        instances.push({ features, target: bag.attack ? 1 : 0, weight: bag.weight })
      }
    }
    model = regress(instances)
  }
  return model
}

interface Instance {
  readonly features: readonly number[]
  readonly target: number
  readonly weight: number
}

/** Logistic regression by Adam on the whole batch. */
function regress(instances: readonly Instance[]): Fit {
  const size = FEATURES.length
  const weights = new Float64Array(size + 1)
  const mean = new Float64Array(size + 1)
  const square = new Float64Array(size + 1)
  const total = instances.reduce((sum, instance) => sum + instance.weight, 0)
  for (let step = 1; step <= STEPS; step += 1) {
    const gradient = new Float64Array(size + 1)
    for (const { features, target, weight } of instances) {
      let z = weights[size] as number
      for (const id of features) {
        z += weights[id] as number
      }
      const error = ((1 / (1 + Math.exp(-z)) - target) * weight) / total
      gradient[size] = (gradient[size] as number) + error
      for (const id of features) {
        gradient[id] = (gradient[id] as number) + error
      }
    }
    for (let id = 0; id <= size; id += 1) {
      const slope =
        (gradient[id] as number) +
        (id < size ? L2 * (SHRINK[id] as number) * ((weights[id] as number) - (PRIOR[id] as number)) : 0)
      mean[id] = 0.9 * (mean[id] as number) + 0.1 * slope
      square[id] = 0.99 * (square[id] as number) + 0.01 * slope * slope
      const corrected = (mean[id] as number) / (1 - 0.9 ** step)
      weights[id] =
        (weights[id] as number) - (0.05 * corrected) / (Math.sqrt((square[id] as number) / (1 - 0.99 ** step)) + 1e-8)
      if (id < size && MAY_EXCUSE[id] === false && (weights[id] as number) < 0) {
        weights[id] = 0
      }
    }
  }
  return { bias: weights[size] as number, weights: weights.slice(0, size) }
}

/** How much more often a distinct clean text may be flagged than a clean result: the first are far fewer. */
const DISTINCT = 2

/**
 * The score that the given share of clean results exceeds, each counted as often as it came, `DISTINCT` times the share of
 * distinct texts, and no near miss of this project.
 */
function threshold(bags: readonly Bag[], scores: readonly number[], share: number): number {
  const clean = bags
    .map(({ attack, source, count }, index) => ({ attack, source, count, score: scores[index] ?? 0 }))
    .filter(({ attack }) => !attack)
  const labelled = clean.filter(({ source }) => source !== OWN).sort((a, b) => b.score - a.score)
  const nearMisses = clean.filter(({ source }) => source === OWN).map(({ score }) => score)
  return Math.max(
    exceededBy(labelled, share),
    exceededBy(
      labelled.map((one) => ({ ...one, count: 1 })),
      DISTINCT * share,
    ),
    ...nearMisses,
  )
}

/** The score that a share of texts exceeds, which are sorted by their scores, highest first. */
function exceededBy(sorted: readonly { readonly count: number; readonly score: number }[], share: number): number {
  let left = share * sorted.reduce((sum, { count }) => sum + count, 0)
  for (const { count, score } of sorted) {
    left -= count
    if (left < 0) {
      return score
    }
  }
  return 0
}

function report(title: string, bags: readonly Bag[], scores: readonly number[], limit: number): void {
  const counts = new Map<string, [number, number, number, number]>()
  bags.forEach(({ attack, source, family, count }, index) => {
    const hit = (scores[index] ?? 0) > limit ? 1 : 0
    for (const key of attack ? [`attack ${family} / ${source}`] : [`clean  ${source}`]) {
      const [hits, all, times, every] = counts.get(key) ?? [0, 0, 0, 0]
      counts.set(key, [hits + hit, all + 1, times + hit * count, every + count])
    }
  })
  console.log(`\n${title}`)
  for (const [key, [hits, all, times, every]] of [...counts].sort()) {
    console.log(
      `  ${key.padEnd(62)} ${String(hits).padStart(5)}/${String(all).padEnd(5)} ${((100 * hits) / all).toFixed(2).padStart(6)} %   ${times}/${every} ${((100 * times) / every).toFixed(2)} %`,
    )
  }
}

/** Scores of each bag above the threshold, both of them fitted without its group. */
function leaveOut(bags: readonly Bag[], share: number, groupOf: (bag: Bag) => string): number[] {
  const groups = ['', ...new Set(bags.map(groupOf).filter((group) => group !== ''))]
  const models = new Map(
    groups.map((group) => {
      const kept = group === '' ? bags : bags.filter((bag) => groupOf(bag) !== group)
      const model = fitModel(kept)
      const limit = threshold(
        kept,
        kept.map((bag) => best(model, bag)),
        share,
      )
      return [group, { model, limit }]
    }),
  )
  return bags.map((bag) => {
    const without = models.get(groupOf(bag))
    return without === undefined ? 0 : best(without.model, bag) - without.limit
  })
}

function showErrors(bags: readonly Bag[], scores: readonly number[], limit: number, model: Fit): void {
  bags.forEach((bag, index) => {
    const value = scores[index] ?? 0
    if (bag.attack !== value > limit) {
      const top = [...bag.sentences].sort((a, b) => score(model, b) - score(model, a))[0] ?? []
      const said = top.map((id) => `${FEATURES[id]}=${(model.weights[id] ?? 0).toFixed(1)}`).join(' | ')
      console.log(
        `${bag.attack ? 'MISS' : 'FALSE'} ${value.toFixed(2)} ${bag.source} ${bag.family} x${bag.count}\n    ${said}\n    ${JSON.stringify(bag.text.slice(0, 500))}`,
      )
    }
  })
}

function table(name: string, what: string, model: Fit, limit: number): string {
  const lines = FEATURES.map((feature, id) => [feature, Math.round((model.weights[id] ?? 0) * 100) / 100] as const)
    .filter(([, weight]) => Math.abs(weight) >= 0.05)
    .map(([feature, weight]) => `    '${feature}': ${weight},`)
  return `/** ${what} */\nexport const ${name}: Weights = {\n  bias: ${model.bias.toFixed(2)},\n  threshold: ${limit.toFixed(2)},\n  weights: {\n${lines.join('\n')}\n  },\n}\n`
}

function documents(data: string): Source[] {
  const own = (text: string, attack: boolean): Source => ({
    source: OWN,
    family: attack ? 'own' : 'clean',
    attack,
    count: 1,
    text,
  })
  return [
    ...[...ATTACKED_SUITES, ...CLEAN_SUITES]
      .flatMap((suite) => readResults(data, suite))
      .filter(({ source }) => source !== ORDERS_OF_THE_BENCHMARK),
    ...readTexts(data),
    ...readGuides('node_modules'),
    ...[...ATTACKS, ...Object.values(ATTACKS_IN_OTHER_LANGUAGES).flat()].map((text) => own(text, true)),
    ...NEAR_MISSES.map((text) => own(text, false)),
  ]
}

function messages(data: string): Source[] {
  const own = (text: string, attack: boolean): Source => ({
    source: OWN,
    family: attack ? 'own' : 'clean',
    attack,
    count: 1,
    text,
  })
  const read = (name: string) => readLabelledTexts(join(data, 'text', `${name}.jsonl.gz`))
  const attacks = read('injection').filter(
    (row) =>
      ['gandalf-ignore', 'tensortrust-hijack'].includes(row.source) ||
      (row.label === 'injection_indirect' && row.source !== 'bipia-attack'),
  )
  return [
    ...attacks.map(({ source, text }) => ({ source, family: source, attack: true, count: 1, text })),
    ...read('benign').map(({ source, text }) => ({ source, family: 'clean', attack: false, count: 1, text })),
    ...[...ATTACKS_BETWEEN_AGENTS].map((text) => own(text, true)),
    ...[...TASKS_BETWEEN_AGENTS, ...NEAR_MISSES].map((text) => own(text, false)),
  ]
}

interface Options {
  readonly errors: boolean
  readonly fast: boolean
}

function fitAndReport(
  title: string,
  rows: readonly Source[],
  share: number,
  options: Options,
): { model: Fit; limit: number } {
  const bags = bagsOf(rows)
  const model = fitModel(bags)
  const fitted = bags.map((bag) => best(model, bag))
  const limit = threshold(bags, fitted, share)
  report(`${title}, as fitted: threshold ${limit.toFixed(3)}`, bags, fitted, limit)
  if (!options.fast) {
    const sourceOf = ({ source }: Bag) => (source === OWN ? '' : source)
    const familyOf = ({ attack, family }: Bag) => (attack && family !== 'own' ? family : '')
    report(`${title}, each source left out`, bags, leaveOut(bags, share, sourceOf), 0)
    report(`${title}, each family of attacks left out`, bags, leaveOut(bags, share, familyOf), 0)
  }
  if (options.errors) {
    showErrors(bags, fitted, limit, model)
  }
  return { model, limit }
}

function main(): void {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      write: { type: 'string' },
      errors: { type: 'boolean' },
      fast: { type: 'boolean' },
      share: { type: 'string' },
    },
  })
  const data = values.data ?? '../shared/data/evaluation'
  const options = { errors: values.errors === true, fast: values.fast === true }
  const inDocuments = fitAndReport('documents', documents(data), Number(values.share ?? 0.0007), options)
  const inMessages = fitAndReport('messages', messages(data), 0.002, options)
  if (values.write) {
    writeFileSync(
      values.write,
      `/**\n * Weights of the features, fitted by \`bench/fit-injection.ts\`. Do not edit by hand.\n *\n * The score of a sentence is the sum of the weights of its features and the bias. A text whose best sentence scores above\n * the threshold is an instruction.\n */\nexport interface Weights {\n  readonly bias: number\n  readonly threshold: number\n  readonly weights: Readonly<Record<string, number>>\n}\n\n${table('DOCUMENT', 'For results of tools and documents.', inDocuments.model, inDocuments.limit)}\n${table('MESSAGE', 'For messages between agents, where orders are daily work.', inMessages.model, inMessages.limit)}`,
    )
  }
}

main()
