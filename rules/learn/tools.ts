/** Tools that agents call, with the servers that offer them. */
import type { Tool } from '../../schema/telemetry.ts'
import { compileTools } from '../tools.ts'
import { defineLearned, NO_LINE } from './use.ts'

export const tools = defineLearned<'tools', Tool>({
  section: 'tools',
  lists: ['allow'],
  usesOf: ({ operation, tool }) => {
    if (tool === null || (operation !== 'tool_call' && operation !== 'agent_spawn')) {
      return []
    }
    const { name, server } = tool
    return [{ list: 'allow', entry: server === undefined ? name : { name, server }, question: tool }]
  },
  // A name that is disguised is no name that somebody forgot to list.
  isNarrow: ({ detector, evidence: { rule, disguise = 'case' } }) =>
    detector === 'tool-allowlist' && rule === 'not-listed' && disguise === 'case',
  judge: (policy) => {
    const judge = compileTools(policy, '', NO_LINE)
    return ({ question }) => judge(question).allowed
  },
})
