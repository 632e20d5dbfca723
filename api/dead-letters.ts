/** What was given up, by whom and why. For operators: letters are of no tenant and may hold what any of them sent. */
import { DeadLetter } from '../schema/dead-letter.ts'
import { exactly, filtersOf, listingOf, listingQuery, pageAnswer, pageOf } from './listing.ts'
import type { Route } from './route.ts'

export const deadLetterRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/dead-letters',
    summary: 'Records that no stage could process and alerts that a sink will not get, of all tenants, newest first',
    need: 'admin',
    query: listingQuery({
      stage: exactly('Who gave it up: assemble, detect, correlate, write or deliver.'),
      sink: exactly('Name of the sink that will not get it.'),
      reason: exactly('Why, as letters say it.'),
    }),
    responses: { 200: { description: 'A page of dead letters.', schema: pageOf(DeadLetter) } },
    handle: async (request, { store }) => {
      const { tenant: _, ...listing } = listingOf(request)
      return pageAnswer(await store.deadLetters({ ...listing, ...filtersOf(request, ['stage', 'sink', 'reason']) }))
    },
  },
]
