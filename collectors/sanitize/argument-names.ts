/** What the name of an argument says about its value. */

/**
 * `recipient`: people the call sends something to. `mention`: people it does not (who sent, what is searched for). `host`: a
 * machine, also by a name without dots. `address`: a machine or URL, if the value looks like one. `command`: a command line
 * or code.
 */
export type ArgumentMeaning = 'recipient' | 'mention' | 'host' | 'address' | 'command' | 'plain'

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/))
const MENTIONS =
  words(`from sender author owner creator login username replyto organizer submitter query q search filter
  filters keyword keywords term terms where`)
const RECIPIENTS =
  words(`to cc bcc recipient recipients email emails mail mails attendee attendees participant participants
  invitee invitees invite invites guest guests contact contacts receiver receivers rcpt addressee addressees mailto
  subscriber subscribers collaborator collaborators`)
const HOSTS = words('host hostname hosts hostnames fqdn')
const ADDRESSES =
  words(`url urls uri uris link links href endpoint endpoints webhook webhooks server servers domain domains
  address addresses addr ip ips website site sites target targets destination destinations dest dst remote peer proxy broker
  brokers nameserver origin callback registry location upstream gateway feed`)
const COMMANDS = words('command commands cmd script bash shell code python argv exec program powershell sh')

const REMEMBERED = 4096
const meanings = new Map<string, ArgumentMeaning>()

export function argumentMeaning(name: string): ArgumentMeaning {
  const known = meanings.get(name)
  if (known !== undefined) {
    return known
  }
  const meaning = judge(name)
  if (meanings.size >= REMEMBERED) {
    meanings.clear()
  }
  meanings.set(name, meaning)
  return meaning
}

function judge(name: string): ArgumentMeaning {
  const parts = name
    .slice(0, 128)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((part) => part !== '')
  const has = (set: ReadonlySet<string>) => parts.some((part) => set.has(part))
  if (has(MENTIONS) || parts.join('') === 'replyto') {
    return 'mention'
  }
  if (has(RECIPIENTS) || parts.at(-1) === 'with') {
    return 'recipient'
  }
  if (has(HOSTS)) {
    return 'host'
  }
  if (has(ADDRESSES)) {
    return 'address'
  }
  return has(COMMANDS) ? 'command' : 'plain'
}
