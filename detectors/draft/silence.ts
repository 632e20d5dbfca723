/** What would silence a finding about a policy. */
import type { PolicyReference } from '../../schema/finding.ts'

/** `policies/crm.yml:12: add 'x' to datasets.allow`: the place, and the change of it. */
export function changeOf({ file, line, allow_with: allowWith }: PolicyReference): string {
  return `${line === undefined ? file : `${file}:${line}`}: ${allowWith ?? 'change it'}`
}
