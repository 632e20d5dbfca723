/** How the API says that something went wrong: what, and what to do about it. */
import { type Static, Type } from 'typebox'
import type { Answer } from './route.ts'

export const Problem = Type.Object(
  { error: Type.Object({ code: Type.String(), message: Type.String() }, { additionalProperties: false }) },
  { additionalProperties: false },
)
export type Problem = Static<typeof Problem>

export function problem(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message } } satisfies Problem }
}

export function notFound(thing: string): Answer {
  return problem(404, 'not-found', `there is no ${thing} with this id`)
}
