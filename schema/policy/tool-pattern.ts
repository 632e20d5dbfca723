/** How a policy names tools. */
import { type Static, Type } from 'typebox'
import { Name, strict } from './words.ts'

/**
 * Tools by name, `*` for any run of characters. `server/tool` also matches a tool called `tool` of the server
 * `server`; the long form pins the server: a tool whose telemetry names no server, or another, does not match.
 */
export const ToolPattern = Type.Union([Name, Type.Object({ name: Name, server: Name }, strict)], {
  description: "a tool name, a glob such as 'crm.*', or {name: ..., server: ...}",
})
export type ToolPattern = Static<typeof ToolPattern>
