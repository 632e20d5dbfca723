/** Whether a name says the part that an agent plays: `planner`, `planning` and `travel-planner` of `travel_planner_7`. */
import { wordsOf } from '../text/name-words.ts'

/** @param claimed what the agent is said to be, folded; one word or several. */
export function playsPart(name: string, claimed: string): boolean {
  const [one, other] = [bare(name), bare(claimed)]
  if (one === '' || other === '') {
    return false
  }
  const own = telling(name)
  const parts = telling(claimed)
  const isNamed = parts.length > 0 && parts.every((part) => own.some((word) => areOfOneStem(word, part)))
  return isNamed || one.includes(other) || other.includes(one)
}

/** Without what every agent is called. */
const bare = (name: string) =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
    .replace(/agent$/, '')

const telling = (name: string) => wordsOf(name).filter((word) => /[a-z]/.test(word) && word !== 'agent')

/** Letters that two forms of one word begin with alike, at least. */
const STEM = 4
/** What then follows: `plann-er` and `plann-ing`, `order-s` and `order-ing`, `coordinat-or` and `coordinat-ion`. */
const ENDINGS = new Set([
  '',
  'e',
  's',
  'es',
  'er',
  'ers',
  'or',
  'ed',
  'ing',
  'ion',
  'ation',
  'ator',
  'ist',
  'ment',
  'ner',
  'ning',
])

function areOfOneStem(one: string, other: string): boolean {
  let same = 0
  while (same < one.length && one[same] === other[same]) {
    same += 1
  }
  return same >= STEM && ENDINGS.has(one.slice(same)) && ENDINGS.has(other.slice(same))
}
