/** What a tool reads, as the words of its name tell: a hint, no more, but all that telemetry without content has. */
import { TextMemory } from '../../schema/text-memory.ts'
import { wordsOf } from '../text/name-words.ts'

/** `outside`: pages, mail, issues and whatever else strangers write. `private`: what only the organisation knows. */
export interface ToolSources {
  readonly outside: string | undefined
  readonly private: string | undefined
}

const sources = (lines: Readonly<Record<string, string>>): ReadonlyMap<string, string> =>
  new Map(Object.entries(lines).flatMap(([source, words]) => words.split(/\s+/).map((word) => [word, source] as const)))

const OUTSIDE = sources({
  web: 'web webpage website browser browse url internet crawl scrape google bing wikipedia tavily serp http',
  mail: 'mail mails email emails inbox gmail outlook imap',
  message: 'slack discord teams chat sms whatsapp telegram comment comments review reviews feedback',
  issue: 'issue issues ticket tickets pull pr github gitlab jira',
  document: 'attachment attachments pdf download',
})
const PRIVATE = sources({
  mail: 'mail mails email emails inbox gmail outlook imap',
  file: 'file files drive dropbox sharepoint onedrive',
  customer: 'customer customers client clients crm contact contacts account accounts user users patient patients',
  finance: 'bank balance transaction transactions invoice invoices payroll salary iban card cards payment payments',
  person: 'calendar employee employees hr personal profile profiles passport address addresses medical health',
  secret: 'secret secrets credential credentials password passwords vault keychain env',
  database: 'sql database db warehouse postgres mysql bigquery snowflake',
})
/** Words of tools that change or send and give nothing back worth reading. */
const GIVES_NOTHING = new Set(
  `send reply forward create delete remove update write edit upload post publish share invite set add close
  schedule cancel transfer pay`.split(/\s+/),
)

/** Characters of tool names that are remembered. */
const REMEMBERED = 128 * 1024
const memory = new TextMemory(sourcesOf, REMEMBERED, 'first')

/** What the tool of this name may read. */
export function toolSources(name: string): ToolSources {
  return memory.of(name)
}

function sourcesOf(name: string): ToolSources {
  const words = wordsOf(name)
  if (words.some((word) => GIVES_NOTHING.has(word))) {
    return { outside: undefined, private: undefined }
  }
  const first = (known: ReadonlyMap<string, string>) => words.map((word) => known.get(word)).find(Boolean)
  return { outside: first(OUTSIDE), private: first(PRIVATE) }
}
