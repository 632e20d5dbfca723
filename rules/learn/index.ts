/** The sections that can be learned, in the order they are written. */
import { datasets } from './datasets.ts'
import { delegation } from './delegation.ts'
import { egress } from './egress.ts'
import { tokens } from './tokens.ts'
import { tools } from './tools.ts'
import type { AnyLearnedSection } from './use.ts'

export const learnedSections: readonly AnyLearnedSection[] = [tools, egress, datasets, delegation, tokens]
