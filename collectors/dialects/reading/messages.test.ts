import { describe, expect, it } from 'vitest'
import { readAnswer, readInput, readMessages, systemText } from './messages.ts'

const call = { call_id: 'c1', name: 'query', arguments: '{"sql":"SELECT 1"}' }

describe('calls that a model asks for', () => {
  it.each([
    [
      'OpenTelemetry parts',
      [{ role: 'assistant', parts: [{ type: 'tool_call', id: 'c1', name: 'query', arguments: { sql: 'SELECT 1' } }] }],
    ],
    [
      'OpenAI chat',
      {
        message: {
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'query', arguments: '{"sql":"SELECT 1"}' } }],
        },
      },
    ],
    [
      'OpenAI responses',
      {
        output: [{ type: 'function_call', id: 'fc_1', call_id: 'c1', name: 'query', arguments: '{"sql":"SELECT 1"}' }],
      },
    ],
    [
      'Anthropic blocks',
      [{ role: 'assistant', content: [{ type: 'tool_use', id: 'c1', name: 'query', input: { sql: 'SELECT 1' } }] }],
    ],
    ['Bedrock blocks', [{ toolUse: { name: 'query', toolUseId: 'c1', input: { sql: 'SELECT 1' } } }]],
    ['Strands blocks', [{ type: 'toolUse', name: 'query', toolUseId: 'c1', input: { sql: 'SELECT 1' } }]],
    [
      'Gemini parts',
      { role: 'model', parts: [{ functionCall: { id: 'c1', name: 'query', args: { sql: 'SELECT 1' } } }] },
    ],
    [
      'Vercel content',
      [
        {
          role: 'assistant',
          content: [{ type: 'tool-call', toolCallId: 'c1', toolName: 'query', input: { sql: 'SELECT 1' } }],
        },
      ],
    ],
    [
      'LangChain classes',
      {
        generations: [
          [
            {
              text: '',
              message: {
                lc: 1,
                id: ['langchain_core', 'messages', 'AIMessage'],
                kwargs: { content: '', tool_calls: [{ id: 'c1', name: 'query', args: { sql: 'SELECT 1' } }] },
              },
            },
          ],
        ],
      },
    ],
  ])('are read from %s', (_shape, messages) => {
    expect(readMessages(JSON.stringify(messages), 'output').calls).toEqual([call])
  })

  it('of hosted tools carry what the provider calls them', () => {
    const part = { type: 'server_tool_call', id: 'c2', name: 'web_search', server_tool_call: { query: 'x' } }
    expect(readMessages([{ role: 'assistant', parts: [part] }], 'output').calls).toEqual([
      { call_id: 'c2', name: 'web_search', arguments: '{"query":"x"}' },
    ])
  })

  it('without an id cannot be followed and are left out', () => {
    expect(readMessages([{ parts: [{ functionCall: { name: 'f', args: {} } }] }], 'output').calls).toEqual([])
  })

  it('in the input are history', () => {
    const found = readInput([{ role: 'assistant', parts: [{ type: 'tool_call', id: 'c1', name: 'query' }] }])
    expect(found.calls).toEqual([])
  })
})

describe('results that a model is given', () => {
  it.each([
    [
      'OpenTelemetry, by the schema',
      [{ role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'done' }] }],
    ],
    [
      'OpenTelemetry, by the example',
      [{ role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', result: 'done' }] }],
    ],
    ['OpenAI chat', [{ role: 'tool', tool_call_id: 'c1', content: 'done' }]],
    ['OpenAI responses', [{ type: 'function_call_output', call_id: 'c1', output: 'done' }]],
    ['OpenAI agents', [{ type: 'function_call_result', callId: 'c1', output: { type: 'text', text: 'done' } }]],
    [
      'Anthropic blocks',
      [
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: 'c1', content: [{ type: 'text', text: 'done' }] }],
        },
      ],
    ],
  ])('are read from %s', (_shape, messages) => {
    expect(readMessages(messages as never, 'input').answers).toEqual([{ call_id: 'c1', result: 'done' }])
  })

  it('say when the call failed', () => {
    const messages = [
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'no', is_error: true }] },
      { role: 'user', parts: [{ functionResponse: { id: 'b', name: 'f', response: { error: 'no' } } }] },
      { lc: 1, id: ['x', 'ToolMessage'], kwargs: { tool_call_id: 'c', content: 'no', status: 'error' } },
    ]
    expect(readMessages(messages, 'input').answers.map(({ outcome }) => outcome)).toEqual(['error', 'error', 'error'])
  })
})

describe('what was said', () => {
  it('is the latest message of the user, and everything of the system', () => {
    const found = readMessages(
      [
        { role: 'system', content: 'Be kind.' },
        { role: 'user', content: 'first' },
        { role: 'assistant', content: 'an answer' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'second' },
            { type: 'image_url', url: 'https://x/y.png' },
          ],
        },
      ],
      'input',
    )
    expect(found.prompt).toBe('second\n[image_url https://x/y.png]')
    expect(found.system).toBe('Be kind.')
  })

  it('stays the prompt when tool results follow in the name of the user', () => {
    const messages = [
      { role: 'user', parts: [{ text: 'List customers' }] },
      { role: 'user', parts: [{ functionResponse: { id: 'c1', response: { rows: [] } } }] },
    ]
    expect(readMessages(messages, 'input').prompt).toBe('List customers')
  })

  it('by a model is its output whatever role it is filed under, without its thoughts', () => {
    const messages = [
      {
        role: 'system',
        parts: [
          { type: 'reasoning', content: 'hm' },
          { type: 'text', content: 'Hello' },
        ],
        finish_reason: 'stop',
      },
    ]
    expect(readMessages(messages, 'output')).toMatchObject({ output: 'Hello', finishReason: 'stop' })
  })

  it('may be plain text', () => {
    expect(readMessages('hi there', 'input').prompt).toBe('hi there')
    expect(readMessages('42', 'input').prompt).toBe('42')
    expect(readMessages('hi there', 'output').output).toBe('hi there')
    expect(systemText('"You are the CRM bot."')).toBe('You are the CRM bot.')
    expect(systemText('[{"type":"text","content":"Never delete."}]')).toBe('Never delete.')
  })

  it('is the last answer of a transcript', () => {
    const transcript = {
      messages: [
        { role: 'user', content: 'q' },
        { role: 'assistant', content: 'a1' },
        { role: 'assistant', content: 'a2' },
      ],
    }
    expect(readAnswer(JSON.stringify(transcript))).toBe('a2')
    expect(readAnswer('Done.')).toBe('Done.')
  })

  it('is read as far as it goes when it was cut', () => {
    const asked = JSON.stringify([
      { role: 'assistant', parts: [{ type: 'tool_call', id: 'c1', name: 'read', arguments: { path: 'a' } }] },
      { role: 'assistant', parts: [{ type: 'tool_call', id: 'c2', name: 'write', arguments: {} }] },
    ])
    expect(readMessages(asked.slice(0, -30), 'output')).toMatchObject({
      calls: [{ call_id: 'c1', name: 'read', arguments: '{"path":"a"}' }, { call_id: 'c2' }],
      truncated: true,
    })
    const said = JSON.stringify([
      { role: 'user', parts: [{ type: 'text', content: 'Summarise: it was a dark night' }] },
    ])
    expect(readInput(said.slice(0, -16))).toMatchObject({ prompt: 'Summarise: it was a', truncated: true })
  })

  it('is marked when it was cut, and nesting without end ends', () => {
    expect(readMessages('[{"role":"user","content":"abc', 'input').truncated).toBe(true)
    const deep = `${'{"content":'.repeat(5000)}"x"${'}'.repeat(5000)}`
    expect(readMessages(deep, 'input').prompt).toBeUndefined()
  })
})
