/**
 * Fits the weights of the prompt-extraction detector: a linear model over named features of the one sentence of a text
 * that scores highest (multiple-instance logistic regression). Deterministic: the same data gives the same weights.
 *
 *   fit-prompt-extraction --data DIR [--write FILE]
 *
 * Prints recall per source at the false-alarm rate aimed for, as fitted, by five-fold cross-validation, and with each
 * source left out in turn.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ATTEMPTS, ATTEMPTS_IN_OTHER_LANGUAGES, NEAR_MISSES } from '../detectors/prompt-extraction/examples.ts'
import { FEATURES, featuresOf } from '../detectors/prompt-extraction/features.ts'
import { readText } from '../detectors/prompt-extraction/reading.ts'
import { foldText } from '../detectors/text/normalize.ts'
import { readLabelledTexts } from './labelled-texts.ts'

/** Share of benign texts that may be flagged at the threshold, measured by cross-validation. */
const FALSE_ALARMS = 0.0075
/** The examples of this project; they do not count when the threshold is set. */
const OWN = 'own-examples'
const ROUNDS = 6
const STEPS = 400
const L2 = 3e-4
/** How many of the highest-scoring sentences of a benign text are learned from. */
const HARD_SENTENCES = 3

/** What an attacker changes at no cost, padding above all, must not decide: such features are held small. */
const SHRINK = FEATURES.map((name) => (/^text.*words$|task$/.test(name) ? 3 : 1))

interface Bag {
  readonly source: string
  readonly attack: boolean
  readonly weight: number
  readonly sentences: readonly (readonly number[])[]
  readonly text: string
}
interface Model {
  bias: number
  readonly weights: Float64Array
}

const score = (model: Model, features: readonly number[]) =>
  features.reduce((sum, id) => sum + (model.weights[id] ?? 0), model.bias)
const best = (model: Model, bag: Bag) =>
  bag.sentences.reduce((top, features) => Math.max(top, score(model, features)), -20)

function startingModel(): Model {
  const weights = new Float64Array(FEATURES.length)
  FEATURES.forEach((name, id) => {
    weights[id] = /^(reveal|transform)>your/.test(name)
      ? 2
      : /^give>your (prompt|instr|conf)|:yours|near:your/.test(name)
        ? 1
        : /:users/.test(name)
          ? -1
          : 0
  })
  return { bias: -3, weights }
}

function fitModel(bags: readonly Bag[]): Model {
  let model = startingModel()
  for (let round = 0; round < ROUNDS; round += 1) {
    const instances: { features: readonly number[]; target: number; weight: number }[] = []
    for (const bag of bags) {
      const ranked = [...bag.sentences].sort((a, b) => score(model, b) - score(model, a))
      for (const features of ranked.slice(0, bag.attack ? 1 : HARD_SENTENCES)) {
        instances.push({ features, target: bag.attack ? 1 : 0, weight: bag.weight })
      }
    }
    model = regress(instances)
  }
  return model
}

/** Logistic regression by Adam on the whole batch. */
function regress(instances: readonly { features: readonly number[]; target: number; weight: number }[]): Model {
  const size = FEATURES.length
  const weights = new Float64Array(size + 1)
  const mean = new Float64Array(size + 1)
  const square = new Float64Array(size + 1)
  const total = instances.reduce((sum, instance) => sum + instance.weight, 0)
  for (let step = 1; step <= STEPS; step += 1) {
    const gradient = new Float64Array(size + 1)
    for (const { features, target, weight } of instances) {
      let z = weights[size] ?? 0
      for (const id of features) {
        z += weights[id] ?? 0
      }
      const error = ((1 / (1 + Math.exp(-z)) - target) * weight) / total
      gradient[size] = (gradient[size] ?? 0) + error
      for (const id of features) {
        gradient[id] = (gradient[id] ?? 0) + error
      }
    }
    for (let id = 0; id <= size; id += 1) {
      const slope = (gradient[id] ?? 0) + (id < size ? L2 * (SHRINK[id] ?? 1) * (weights[id] ?? 0) : 0)
      mean[id] = 0.9 * (mean[id] ?? 0) + 0.1 * slope
      square[id] = 0.99 * (square[id] ?? 0) + 0.01 * slope * slope
      const corrected = (mean[id] ?? 0) / (1 - 0.9 ** step)
      weights[id] = (weights[id] ?? 0) - (0.05 * corrected) / (Math.sqrt((square[id] ?? 0) / (1 - 0.99 ** step)) + 1e-8)
    }
  }
  return { bias: weights[size] ?? 0, weights: weights.slice(0, size) }
}

const threshold = (scores: readonly number[]) => {
  const sorted = [...scores].sort((a, b) => b - a)
  return sorted[Math.floor(sorted.length * FALSE_ALARMS)] ?? 0
}

function report(title: string, bags: readonly Bag[], scores: readonly number[]): number {
  const limit = threshold(scores.filter((_, index) => bags[index]?.attack === false && bags[index]?.source !== OWN))
  const counts = new Map<string, [number, number]>()
  bags.forEach((bag, index) => {
    const key = `${bag.attack ? 'attack' : 'benign'} ${bag.source}`
    const [hits, all] = counts.get(key) ?? [0, 0]
    counts.set(key, [hits + ((scores[index] ?? 0) > limit ? 1 : 0), all + 1])
  })
  console.log(`\n${title}: threshold ${limit.toFixed(3)}`)
  for (const [key, [hits, all]] of [...counts].sort()) {
    console.log(
      `  ${key.padEnd(45)} ${String(hits).padStart(4)}/${String(all).padEnd(5)} ${((100 * hits) / all).toFixed(1)} %`,
    )
  }
  return limit
}

/** Every third attack once more, behind a longer benign text: a request is one wherever it stands. */
function padding(bags: readonly Bag[], texts: readonly string[]): Bag[] {
  const long = texts.filter((text, index) => bags[index]?.attack === false && text.length > 300 && text.length < 3000)
  return bags.flatMap((bag, index) => {
    if (!bag.attack || index % 3 !== 0) {
      return []
    }
    const before = readText(foldText(`${long[(index * 7919) % long.length] ?? ''}\n\n${bag.text}`))
    const count = readText(foldText(bag.text)).sentences.length
    const sentences = featuresOf(before)
      .slice(-count)
      .filter((features) => features !== undefined)
    return [{ ...bag, sentences, weight: bag.weight * 0.35 }]
  })
}

/** A fold that depends on the text alone, so that equal texts share it. */
function foldOf(text: string): number {
  let hash = 0
  for (let index = 0; index < Math.min(text.length, 40); index += 1) {
    hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  }
  return (hash >>> 8) % 5
}

function main(): void {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      write: { type: 'string' },
      fast: { type: 'boolean' },
      errors: { type: 'boolean' },
      show: { type: 'boolean' },
    },
  })
  const data = values.data ?? '../shared/data/evaluation'
  const own = (text: string, label: string) => ({ id: text, source: OWN, label, text })
  const rows = [
    ...readLabelledTexts(join(data, 'text/extraction.jsonl.gz')),
    ...readLabelledTexts(join(data, 'text/benign.jsonl.gz')),
    ...[...ATTEMPTS, ...Object.values(ATTEMPTS_IN_OTHER_LANGUAGES).flat()].map((text) =>
      own(text, 'prompt_extraction'),
    ),
    ...NEAR_MISSES.map((text) => own(text, 'benign')),
  ]
  const perSource = new Map<string, number>()
  for (const row of rows) {
    perSource.set(row.source, (perSource.get(row.source) ?? 0) + 1)
  }
  const bags = rows.map((row): Bag => {
    const attack = row.label === 'prompt_extraction'
    const reading = readText(foldText(row.text))
    return {
      source: row.source,
      attack,
      // Sources count by the root of their size, so that a large one does not decide alone.
      weight: attack ? Math.sqrt(100 / (perSource.get(row.source) ?? 1)) : row.source === OWN ? 1 : 0.5,
      sentences: featuresOf(reading).filter((features) => features !== undefined),
      text: row.text,
    }
  })
  for (const [index, bag] of bags.entries()) {
    if (values.show && rows[index]?.source === OWN && bag.attack && bag.sentences.length === 0) {
      console.log('nothing found in', bag.text)
    }
  }
  const padded = padding(
    bags,
    rows.map((row) => row.text),
  )
  const model = fitModel([...bags, ...padded])
  const fitted = bags.map((bag) => best(model, bag))
  report('as fitted', bags, fitted)
  const folds = [0, 1, 2, 3, 4].map((fold) => fitModel([...bags, ...padded].filter((bag) => foldOf(bag.text) !== fold)))
  const crossed = bags.map((bag) => best(folds[foldOf(bag.text)] ?? model, bag))
  const limit = report('five-fold cross-validation', bags, crossed)
  if (values.errors) {
    bags.forEach((bag, index) => {
      if (bag.attack !== (crossed[index] ?? 0) > limit) {
        console.log(
          `${bag.attack ? 'MISS' : 'FALSE'} ${(crossed[index] ?? 0).toFixed(2)} ${bag.source} | ${bag.text.slice(0, 300).replaceAll('\n', '\\n')}`,
        )
        const top = [...bag.sentences].sort((a, b) => score(model, b) - score(model, a))[0] ?? []
        console.log(`      ${top.map((id) => `${FEATURES[id]}=${(model.weights[id] ?? 0).toFixed(1)}`).join(' ')}`)
      }
    })
  }
  if (!values.fast) {
    const sources = new Map(
      [...perSource.keys()].map((source) => [
        source,
        fitModel([...bags, ...padded].filter((bag) => bag.source !== source)),
      ]),
    )
    report(
      'each source left out',
      bags,
      bags.map((bag) => best(sources.get(bag.source) ?? model, bag)),
    )
  }
  const table = FEATURES.map((name, id) => [name, Math.round((model.weights[id] ?? 0) * 100) / 100] as const).filter(
    ([, weight]) => Math.abs(weight) >= 0.05,
  )
  if (values.write) {
    const lines = table.map(([name, weight]) => `  '${name}': ${weight},`)
    writeFileSync(
      values.write,
      `/**\n * Weights of the features, fitted by \`bench/fit-prompt-extraction.ts\`. Do not edit by hand.\n *\n * The score of a sentence is the sum of the weights of its features and the bias.\n */\nexport const BIAS = ${model.bias.toFixed(2)}\n/** A text whose best sentence scores above this is an attempt. */\nexport const THRESHOLD = ${limit.toFixed(2)}\nexport const WEIGHTS: Readonly<Record<string, number>> = {\n${lines.join('\n')}\n}\n`,
    )
  } else {
    console.log(
      table
        .sort((a, b) => b[1] - a[1])
        .map(([name, weight]) => `${name} ${weight}`)
        .join(' | '),
    )
  }
}

main()
