/** Signs in PowerShell and lines for `cmd`. Patterns, line by line, no parser. */
import { inOrder } from './code-signs.ts'
import { type Sign, sign } from './sign.ts'

const FETCHED = sign('runs remote code', 'runs code from the network', 0.85, 'high')
const BLINDED = sign('evades', 'switches off what watches or guards the machine', 0.85, 'high')
const WIPED = sign('destroys', 'deletes a whole disk, its folders or its backups', 0.9, 'critical')
const PASSWORDS = sign('takes credentials', 'takes stored passwords', 0.85, 'high')
const STARTED = sign('persists', 'has something started by itself', 0.65, 'medium')
const ADMITTED = sign('persists', 'creates or changes an account', 0.65, 'high')
const BORROWED = sign('runs remote code', 'has a program of the system fetch or run code', 0.75, 'high')

/** What must stand in one line, one after the other. */
const PATTERNS: readonly (readonly [parts: readonly RegExp[], sign: Sign])[] = [
  [
    [/\biex\b|invoke-expression/i, /downloadstring|invoke-webrequest|\biwr\b|\birm\b|net\.webclient|frombase64/i],
    FETCHED,
  ],
  [[/downloadstring|\biwr\b|\birm\b|invoke-webrequest|invoke-restmethod/i, /\|\s?(?:iex|invoke-expression)/i], FETCHED],
  [
    [/\b(?:powershell|pwsh)\b/i, /\s-e(?:nc?|ncodedcommand)?\s+[A-Za-z0-9+/=]{40}/i],
    sign('runs remote code', 'runs code that was encoded', 0.75, 'high'),
  ],
  [[/set-mppreference|add-mppreference/i, /-(?:disable|exclusion)\w/i], BLINDED],
  [[/uninstall-windowsfeature/i, /defender/i], BLINDED],
  [[/amsiutils|amsiinitfailed|clear-eventlog|remove-eventlog|limit-eventlog/i], BLINDED],
  [[/stop-service|set-service/i, /windefend|eventlog|mpssvc|sense\b/i], BLINDED],
  [[/set-netfirewallprofile/i, /false/i], BLINDED],
  [
    [
      /remove-item/i,
      /-recurse/i,
      /\s["']?(?:[a-z]:\\(?:\*|windows|users)?["']?(?:\s|$)|\$env:(?:userprofile|systemroot))/i,
    ],
    WIPED,
  ],
  [
    [/remove-item/i, /\s["']?(?:[a-z]:\\(?:\*|windows|users)?["']?\s|\$env:(?:userprofile|systemroot))/i, /-recurse/i],
    WIPED,
  ],
  [[/\b(?:del|rd|rmdir)\b/i, /\/s\b/i, /[a-z]:\\(?:\*|windows|users)?(?:\s|$)/i], WIPED],
  [[/\bformat\s+[a-z]:|shadowcopy\s+delete|cipher\s+\/w/i], WIPED],
  [[/win32_shadowcopy/i, /delete|remove/i], WIPED],
  [[/invoke-mimikatz|sekurlsa|lsass\.(?:exe|dmp)|cmdkey\s+\/list|vaultcmd|\bntdsutil\b|dcsync/i], PASSWORDS],
  [[/comsvcs/i, /minidump/i], PASSWORDS],
  [[/new-scheduledtask|register-scheduledtask|new-service\b|__eventfilter|commandlineeventconsumer/i], STARTED],
  [[/(?:set|new)-itemproperty/i, /\\run\b/i], STARTED],
  [[/new-localuser/i], ADMITTED],
  [[/add-localgroupmember|net\s+localgroup/i, /admin/i], ADMITTED],
  [[/certutil/i, /-urlcache|-decode/i], BORROWED],
  [[/bitsadmin/i, /\/transfer/i], BORROWED],
  [[/mshta\s+(?:https?|javascript|vbscript):/i], BORROWED],
  [[/regsvr32|rundll32/i, /https?:|javascript:/i], BORROWED],
  [[/wmic/i, /process\s+call\s+create/i], BORROWED],
]
const LINE_LIMIT = 200

/** What PowerShell text, or a line for `cmd`, does. */
export function powershellSigns(code: string): readonly Sign[] {
  const lines = code.split(/\r?\n/, LINE_LIMIT)
  return PATTERNS.filter(([parts]) => lines.some((line) => inOrder(line, parts))).map(([, each]) => each)
}
