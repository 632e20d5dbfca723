/** Every detector, in the order in which their findings are listed. */

import { agentSpawn } from './agent-spawn.ts'
import { approval } from './approval.ts'
import { canary } from './canary.ts'
import { dangerousCommand } from './dangerous-command.ts'
import { datasetScope } from './dataset-scope.ts'
import { delegation } from './delegation.ts'
import type { AnyDetector } from './detector.ts'
import { egress } from './egress.ts'
import { errorSpike } from './error-spike.ts'
import { injection } from './injection.ts'
import { lethalTrifecta } from './lethal-trifecta.ts'
import { limits } from './limits.ts'
import { policyDenied } from './policy-denied.ts'
import { promptDrift } from './prompt-drift.ts'
import { promptExtraction } from './prompt-extraction.ts'
import { purpose } from './purpose.ts'
import { selfModification } from './self-modification.ts'
import { sensitiveOutput } from './sensitive-output.ts'
import type { AnySessionDetector } from './session-detector.ts'
import { silentAgent } from './silent-agent.ts'
import { taintedArgument } from './tainted-argument.ts'
import { tokenScope } from './token-scope.ts'
import { toolAllowlist } from './tool-allowlist.ts'
import { toolDrift } from './tool-drift.ts'

export const detectors: readonly AnyDetector[] = [
  toolAllowlist,
  egress,
  errorSpike,
  promptExtraction,
  canary,
  promptDrift,
  toolDrift,
  selfModification,
  dangerousCommand,
  sensitiveOutput,
  approval,
  delegation,
  datasetScope,
  limits,
  policyDenied,
  purpose,
  agentSpawn,
  tokenScope,
  taintedArgument,
  injection,
  silentAgent,
]

/** Those that judge whole sessions, by the marks and findings of others. */
export const sessionDetectors: readonly AnySessionDetector[] = [lethalTrifecta]
