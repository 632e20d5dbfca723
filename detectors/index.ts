/** Every detector, in the order in which their findings are listed. */
import type { AnyDetector } from './detector.ts'

export const detectors: readonly AnyDetector[] = []
