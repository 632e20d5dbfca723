/** Datasets that agents touch, by their ids, whatever they do with them. */
import type { Dataset } from '../../schema/telemetry.ts'
import { compileDatasets } from '../datasets.ts'
import { defineLearned, NO_LINE } from './use.ts'

const OPERATIONS: readonly string[] = ['tool_call', 'retrieval', 'egress']

export const datasets = defineLearned<'datasets', Dataset>({
  section: 'datasets',
  lists: ['allow'],
  usesOf: ({ operation, dataset_scope: touched }) =>
    OPERATIONS.includes(operation)
      ? touched.map((dataset) => ({ list: 'allow', entry: dataset.id, question: dataset }))
      : [],
  isNarrow: ({ detector, evidence: { rule } }) => detector === 'dataset-scope' && rule === 'not-listed',
  judge: (policy) => {
    const rules = compileDatasets(policy, '', NO_LINE)
    return ({ question }) => rules.judge(question, undefined).allowed
  },
})
