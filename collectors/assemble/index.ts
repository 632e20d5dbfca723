/** The cross-record rules: fragments of one partition in, events out. */
export { type Absorbed, type Assembler, openAssembler } from './assembler.ts'
export { ASSEMBLE_DEFAULTS, type AssembleOptions } from './options.ts'
export { FURTHER_EVENTS, type Outcome } from './output.ts'
