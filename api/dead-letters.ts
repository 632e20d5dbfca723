/**
 * What was given up, by whom and why. Each tenant sees its own; letters that do not say whose they are, as about what a
 * stranger wrote, may hold anything and are shown to admins of the default tenant only. For admins, because what no
 * stage could read is shown as it is.
 */
import { DeadLetter } from '../schema/dead-letter.ts'
import { exactly, filtersOf, listingOf, listingQuery, pageAnswer, pageOf } from './listing.ts'
import type { Route } from './route.ts'

export const deadLetterRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/dead-letters',
    summary: 'Records that no stage could process and alerts that a sink will not get, newest first',
    need: 'admin',
    query: listingQuery({
      stage: exactly('Who gave it up: collect, assemble, detect, correlate, write or deliver.'),
      sink: exactly('Name of the sink that will not get it.'),
      reason: exactly('Why, as letters say it.'),
    }),
    responses: { 200: { description: 'A page of dead letters.', schema: pageOf(DeadLetter) } },
    handle: async (request, { store, defaultTenant }) => {
      const filters = filtersOf(request, ['stage', 'sink', 'reason'])
      const ofNobody = request.tenant === defaultTenant
      return pageAnswer(await store.deadLetters({ ...listingOf(request), ...filters, ofNobody }))
    },
  },
]
