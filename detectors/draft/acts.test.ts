import { describe, expect, it } from 'vitest'
import type { Telemetry } from '../../schema/telemetry.ts'
import { event } from '../arbitrary.ts'
import { actsOf, operationOn } from './acts.ts'

const acts = (fields: Partial<Telemetry>) => [...actsOf(event(fields))].sort()

describe('what a call does', () => {
  it.each([
    ['crm.delete_lead', ['delete']],
    ['features.put', ['write']],
    ['send_email', ['send']],
    ['payments.create', ['pay', 'write']],
    ['get_customer', ['read']],
    ['sql.query', ['read']],
    ['run_shell_command', ['run']],
    ['weather', []],
    ['get_and_delete', ['delete']],
  ])('%s is said by the words of its name', (name, expected) => {
    expect(acts({ tool: { name } })).toEqual(expected)
  })

  it('is said by the methods of its requests where the name says nothing', () => {
    const destinations = [{ host: 'a.test', method: 'delete' }, { host: 'a.test' }, { host: 'a.test', method: 'POST' }]
    expect(acts({ tool: { name: 'weather' }, destinations })).toEqual(['delete'])
    expect(acts({ tool: { name: 'get_weather' }, destinations })).toEqual(['read'])
    expect(acts({ operation: 'retrieval', destinations })).toEqual(['read'])
  })

  it('is said of a dataset by a statement first, and the gravest by a name', () => {
    const call = event({ tool: { name: 'get_and_delete' } })
    expect(operationOn({ id: 'x', operation: 'read' }, call)).toEqual({ operation: 'read', certain: true })
    expect(operationOn({ id: 'x' }, call)).toEqual({ operation: 'delete', certain: false })
    expect(operationOn({ id: 'x' }, event({ operation: 'retrieval' }))).toEqual({ operation: 'read', certain: true })
    expect(operationOn({ id: 'x' }, event())).toEqual({ operation: undefined, certain: false })
  })
})
