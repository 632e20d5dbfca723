/**
 * The composition root: with `wire-intake.ts` the only place that knows concrete dialects and detectors, and that
 * connects them. Live and replay get their stages here and their intake there.
 */
import { openAssembler } from './collectors/assemble/assembler.ts'
import { ASSEMBLE_DEFAULTS, ASSEMBLE_PARTITIONED, type AssembleOptions } from './collectors/assemble/options.ts'
import { detectors, sessionDetectors } from './detectors/index.ts'
import { markers } from './detectors/marks/index.ts'
import { assembleStage } from './engine/assemble.ts'
import { CORRELATE_PARTITIONED, correlateStage } from './engine/correlate.ts'
import { type Coverage, coverageOf, type SeenFields } from './engine/coverage.ts'
import { DETECT_PARTITIONED, detectStage } from './engine/detect.ts'
import type { Stage } from './engine/stage.ts'
import type { PolicySet } from './rules/policy.ts'
import { validateSeen, validateTelemetry } from './schema/validate.ts'

export interface PureOptions {
  readonly policies: PolicySet
  readonly assemble?: Partial<AssembleOptions>
  /** The log has many partitions, and the process has several: each remembers less. */
  readonly isPartitioned?: boolean
  readonly onDetectorFailure?: (detector: string, error: unknown) => void
  /** Told of every assembler opened, one for a partition: what it holds is in flight. */
  readonly onAssembler?: (partition: number, assembler: { held(): number }) => void
}

/** Fragments to events, events to findings, findings to alerts: the pure part, in the order of the data. */
export function pureStages(options: PureOptions): readonly [assemble: Stage, detect: Stage, correlate: Stage] {
  const isPartitioned = options.isPartitioned === true
  const assemble = { ...ASSEMBLE_DEFAULTS, ...(isPartitioned ? ASSEMBLE_PARTITIONED : {}), ...options.assemble }
  return [
    assembleStage((state, partition) => {
      const assembler = openAssembler(assemble, state)
      options.onAssembler?.(partition, assembler)
      return assembler
    }),
    detectStage({
      detectors,
      markers,
      policies: options.policies,
      validate: validateTelemetry,
      ...(isPartitioned ? { limits: DETECT_PARTITIONED } : {}),
      ...(options.onDetectorFailure === undefined ? {} : { onDetectorFailure: options.onDetectorFailure }),
    }),
    correlateStage({
      sessionDetectors,
      runbooks: new Map([...detectors, ...sessionDetectors].map(({ id, runbook }) => [id, runbook])),
      validate: validateSeen,
      ...(isPartitioned ? { limits: CORRELATE_PARTITIONED } : {}),
      ...(options.onDetectorFailure === undefined ? {} : { onDetectorFailure: options.onDetectorFailure }),
    }),
  ]
}

/** What fields that were seen cover: all detectors, by the policies that govern at that time. */
export function coverage(seen: readonly SeenFields[], policies: PolicySet, atMs: number): Coverage {
  return coverageOf(
    seen,
    [...detectors, ...sessionDetectors],
    (agent) => policies.governing(agent, atMs)?.sections ?? [],
  )
}
