/** Results of tools inside a prompt: frameworks without roles for them write them there, as text. */

/** The most parts taken from one prompt. */
const PARTS = 16
const OBSERVATION = /(?:^|\n)(?:Observation|Tool result|Function result|Search results?)\s?\d{0,2}:/g
const NEXT_TURN = /\n(?:Thought|Action|Question|Final Answer|Human|User|Assistant)\s?\d{0,2}:/g
const TAGGED =
  /<(tool_result|function_results?|tool_response|search_results?|documents?|context|retrieved)\b[^<>]{0,200}>/gi

/** The parts of a prompt that are results of tools or documents. Usually none. Linear: every part begins after the last. */
export function quotedResults(prompt: string): readonly string[] {
  const found: string[] = []
  let from = 0
  for (const match of prompt.matchAll(OBSERVATION)) {
    if (match.index >= from && found.length < PARTS) {
      NEXT_TURN.lastIndex = match.index + match[0].length
      const end = NEXT_TURN.exec(prompt)?.index ?? prompt.length
      found.push(prompt.slice(match.index + match[0].length, end))
      from = end
    }
  }
  for (const match of prompt.includes('</') ? prompt.matchAll(TAGGED) : []) {
    if (match.index >= from && found.length < PARTS) {
      const start = match.index + match[0].length
      const close = prompt.indexOf(`</${match[1]}`, start)
      const end = close < 0 ? prompt.length : close
      found.push(prompt.slice(start, end))
      from = end
    }
  }
  return found
}
