/** Whether a call carries what it is given out of the agent's own world: sends, posts, uploads, or asks a foreign host. */
import { hostNature, readHost } from '../../rules/hosts.ts'
import type { Destination, Telemetry } from '../../schema/telemetry.ts'
import { TextMemory } from '../../schema/text-memory.ts'
import { wordsOf } from '../text/name-words.ts'
import { toolPowers } from './tool-powers.ts'

/** Tools with these words in their names hand things to others, whether or not telemetry says where. */
const SENDS = new Set(
  `send sends email mail gmail sms post posts publish upload uploads share message messages reply forward tweet webhook
   slack discord telegram notify notification submit broadcast export pastebin`.split(/\s+/),
)
/** Tools with these words reach hosts that their arguments name. */
const REACHES = new Set(
  'http https fetch request requests curl wget browser browse navigate goto open visit get url web api download webpage scrape'.split(
    ' ',
  ),
)

interface Reach {
  readonly sends: boolean
  readonly reaches: boolean
}
const reaches = new TextMemory<Reach>(reachOf, 256 * 1024, 'first')

/** A tool that merely has a host in its arguments, such as a text to write to a file, is not outward. */
export function isOutward({ operation, tool, destinations }: Telemetry): boolean {
  if (operation === 'egress' || destinations.some(({ seen_in: seenIn }) => seenIn === 'network')) {
    return destinations.some(isForeign)
  }
  if (operation !== 'tool_call' || tool === null) {
    return false
  }
  const reach = reaches.of(tool.name)
  return reach.sends || (reach.reaches && destinations.some(isForeign))
}

const foreign = new TextMemory(
  (text: string) => {
    const host = readHost(text)?.host
    return host === undefined || !hostNature(host).internal
  },
  256 * 1024,
  'first',
)

/** Whether a host is of somebody else: not inside the network, or unreadable. */
export function isForeign({ host }: Pick<Destination, 'host'>): boolean {
  return foreign.of(host)
}

function reachOf(name: string): Reach {
  const words = wordsOf(name)
  return {
    sends: words.some((word) => SENDS.has(word)),
    reaches: words.some((word) => REACHES.has(word)) || toolPowers(name).has('runs-commands'),
  }
}
