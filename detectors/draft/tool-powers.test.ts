import { describe, expect, it } from 'vitest'
import { toolActions } from './tool-powers.ts'

describe('what the name of a tool says it does', () => {
  it.each([
    ['crm.delete_customer', ['deletes']],
    ['removeFile', ['deletes']],
    ['payments.send', ['pays', 'sends']],
    ['send_money', ['pays', 'sends']],
    ['schedule_transaction', ['pays', 'writes']],
    ['issue_refund', ['pays']],
    ['stripe.charge', ['pays']],
    ['iam.add_role', ['grants', 'writes']],
    ['grantAccess', ['grants']],
    ['run_shell_command', ['runs-commands']],
    ['mcp__host__Bash', ['runs-commands']],
    ['send_email', ['sends']],
    ['slack_post_message', ['sends']],
    ['calendar.update_event', ['writes']],
    ['Write', ['writes']],
    ['search_and_replace', ['writes']],
    ['delete_message', ['deletes']],
    ['commit_transaction', ['writes']],
    ['shop.checkout', ['pays']],
    ['get_shell_output', ['runs-commands']],
  ])('%s: %j', (name, actions) => {
    expect([...toolActions(name)].sort()).toEqual(actions)
  })

  it.each([
    'crm.read',
    'get_deleted_items',
    'list_payments',
    'payments.status',
    'get_transactions',
    'read_post',
    'search_messages',
    'list_charges',
    'get_roles',
    'transfer_to_agent',
    'kb.search',
    'summarize',
    'address.lookup',
    'git_checkout',
    'browser_console_messages',
    'get_terminal_output',
  ])('%s only looks', (name) => {
    expect([...toolActions(name)]).toEqual([])
  })
})
