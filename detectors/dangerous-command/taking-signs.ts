/** Signs from commands that take what they should not: stored credentials, screens, keystrokes, packed files, the host of a container. */
import type { Command } from './command.ts'
import { type Sign, sign } from './sign.ts'

/** Programs made for attacks, whatever runs them. */
const ATTACK_TOOLS =
  /(?:^|[/\s])(?:mimikatz|mimipenguin|lazagne|linpeas|winpeas|linenum|linux-exploit-suggester|pspy|hydra|medusa|john|hashcat|msfvenom|msfconsole|metasploit|meterpreter|responder|bloodhound|sharphound|rubeus|impacket|secretsdump|crackmapexec|netexec|evil-winrm|kerbrute|ldapdomaindump|chisel|ligolo|sliver|merlin|empire|cobaltstrike|beacon|pacu|stratus|cloudfox|peirates|kubeletctl|deepce|trufflehog|gitleaks|keychaindump|chainbreaker|swiftbelt|macos?keylogger|keylogger|xmrig|minerd|cpuminer|slowloris|chocolate|procdump|nanodump|gcore|mimikittenz|sharpchrome|hackbrowserdata|firefox_decrypt|truffle|weevely|donut|veil|unicorn|setoolkit|gophish|ettercap|bettercap|mitmproxy|arpspoof|dsniff|aircrack-ng)(?:\.\w{2,5})?(?=$|[\s/])/i
const DUMPERS = new Set(['procdump', 'gcore', 'nanodump'])
const SECRET_WORDS =
  /(?:passw(?:or)?d|passwd|\bpass\b|pwd=|secret|api[_-]?key|token|credential|private[_ -]?key|BEGIN [A-Z ]*PRIVATE)/i
const VIRTUAL = /(?:oracle|virtualbox|vmware|parallels|qemu|kvm|hyper-?v|virtual)/i
const CAPTURE = new Set([
  'screencapture',
  'xwd',
  'scrot',
  'gnome-screenshot',
  'import',
  'grim',
  'maim',
  'spectacle',
  'ffmpeg',
  'arecord',
  'imagesnap',
  'fswebcam',
  'streamer',
])
const SNIFFERS = new Set(['tcpdump', 'tshark', 'dumpcap', 'ettercap', 'wireshark', 'ngrep', 'snoop'])
const CLIPBOARD = new Set(['pbpaste', 'xclip', 'xsel', 'wl-paste', 'get-clipboard'])
const PACKERS = new Set(['zip', '7z', '7za', 'rar', 'openssl', 'gpg', 'gpg2', 'ccencrypt', 'age'])
const HOST_MOUNT =
  /(?:-v|--volume|--mount)[= ](?:type=bind,)?(?:source=|src=)?\/(?::|,|etc|root|var\/run\/docker|proc|sys|home)|--privileged|--pid[= ]host|--net(?:work)?[= ]host|--cap-add[= ](?:ALL|SYS_ADMIN|SYS_PTRACE|SYS_MODULE)|"privileged":\s?true|"hostPID":\s?true|hostPath|docker\.sock/

/** What the command takes. */
export function takingSigns(command: Command): readonly Sign[] {
  const line = command.args.join(' ').slice(0, 2000)
  const judges = [attackTools, captured, secrets, packed, contained, keys, applications]
  return judges.map((judge) => judge(command, line)).filter((each) => each !== undefined)
}

function attackTools({ name, args }: Command, line: string): Sign | undefined {
  const runner = /^(?:python[23]?|perl|ruby|sh|bash|java|wine|swift|go|\$\w+)?$/.test(name) || name.startsWith('$')
  const called = ATTACK_TOOLS.test(name) || (runner && ATTACK_TOOLS.test(args.slice(0, 2).join(' ')))
  if (!called) {
    return undefined
  }
  return DUMPERS.has(name) || /lsass/i.test(line)
    ? sign('takes credentials', 'reads the memory of processes', 0.75, 'high')
    : sign('takes credentials', 'runs a program made for attacks', 0.7, 'high')
}

function captured({ name, args, from }: Command, line: string): Sign | undefined {
  if (CAPTURE.has(name)) {
    const screen =
      name === 'import'
        ? /-window/.test(line)
        : name === 'ffmpeg'
          ? /x11grab|avfoundation|gdigrab|v4l2|pulse|alsa|dshow/.test(line)
          : true
    return screen ? sign('spies', 'takes pictures or sound of the user', 0.6, 'medium') : undefined
  }
  if (SNIFFERS.has(name)) {
    return /(?:^|\s)-(?:r|v|h|D|-version)\b/.test(line) && !/-i/.test(line)
      ? undefined
      : sign('spies', 'listens to the network', 0.5, 'medium')
  }
  if (CLIPBOARD.has(name)) {
    const reads = name === 'pbpaste' || name === 'wl-paste' || name === 'get-clipboard' || /-o\b|--output/.test(line)
    return reads || from?.name === 'history' ? sign('spies', 'reads the clipboard', 0.35, 'low') : undefined
  }
  if (name === 'trap' && args.includes('DEBUG')) {
    return sign('spies', 'records every command', 0.65, 'medium')
  }
  return name === 'xinput' || name === 'showkey' || name === 'logkeys' || (name === 'cat' && /\/dev\/input/.test(line))
    ? sign('spies', 'records keys', name === 'xinput' ? 0.3 : 0.65, 'medium')
    : undefined
}

function secrets(command: Command, line: string): Sign | undefined {
  const { name, args } = command
  if (
    /^[ef]?grep$|^rg$|^ag$/.test(name) &&
    SECRET_WORDS.test(
      args
        .filter((arg) => !arg.startsWith('-'))
        .slice(0, 2)
        .join(' '),
    )
  ) {
    const broad = args.some((arg) => /^(?:\/|~|\$HOME|\/(?:etc|home|root|var|opt|Users))\/?$/.test(arg))
    const recursive = args.some((arg) => /^-[a-zA-Z]*[rR]/.test(arg))
    return broad && recursive
      ? sign('takes credentials', 'searches files for passwords', 0.65, 'medium')
      : sign('takes credentials', 'searches text for passwords', 0.15, 'low')
  }
  if (name === 'security') {
    return /dump-keychain|find-(?:generic|internet)-password|export|dump-trust/.test(line)
      ? sign('takes credentials', 'reads the keychain', 0.8, 'high')
      : /add-trusted-cert|import|delete|find-certificate.*-a/.test(line)
        ? sign('evades', 'changes or copies trusted certificates', 0.55, 'medium')
        : undefined
  }
  if (name === 'kubectl' || name === 'oc') {
    return /\bget\s+secrets?\b|\bdescribe\s+secrets?\b/.test(line)
      ? sign('takes credentials', 'reads the secrets of a cluster', 0.6, 'medium')
      : /\bcreate\s+(?:clusterrolebinding|rolebinding)|cluster-admin/.test(line)
        ? sign('escalates', 'gives rights in a cluster', 0.6, 'high')
        : undefined
  }
  if (['aws', 'gcloud', 'az', 'vault'].includes(name)) {
    return /get-secret-value|get-password-data|secrets? (?:versions )?access|get-session-token|keyvault secret show|create-access-key|print-access-token|kv get/.test(
      line,
    )
      ? sign('takes credentials', 'reads secrets of a cloud', 0.5, 'medium')
      : /(?:delete|stop|update)-(?:trail|flow-logs|detector|log-group|event-data)|stop-logging|put-event-selectors|logging (?:sinks|logs) delete/.test(
            line,
          )
        ? sign('evades', 'switches the logs of a cloud off', 0.75, 'high')
        : /attach-user-policy|put-user-policy|add-iam-policy-binding|create-user|create-login-profile|role assignment create/.test(
              line,
            )
          ? sign('escalates', 'gives rights in a cloud', 0.5, 'high')
          : undefined
  }
  return ['getent', 'unshadow'].includes(name) && /shadow/.test(line)
    ? sign('takes credentials', 'reads stored passwords', 0.7, 'high')
    : undefined
}

function packed({ name, args }: Command, line: string): Sign | undefined {
  if (!PACKERS.has(name)) {
    return undefined
  }
  const locks =
    (name === 'zip' && args.some((arg) => /^(?:-[a-z]*[Pe]|--password|--encrypt)$/.test(arg))) ||
    (/^7za?$|^rar$/.test(name) && args.some((arg) => /^-h?p\S+/.test(arg))) ||
    (name === 'openssl' && /^enc\b/.test(line) && !/\s-d\b/.test(line) && /-pass\b|-k\b|-K\b|aes|des/.test(line)) ||
    (/^gpg2?$/.test(name) && /--passphrase|(?:^|\s)-c\b|--symmetric/.test(line) && /--batch|--passphrase/.test(line)) ||
    name === 'ccencrypt'
  return locks ? sign('exfiltrates', 'encrypts files with a password in clear', 0.5, 'low') : undefined
}

function contained({ name }: Command, line: string): Sign | undefined {
  if (['docker', 'podman', 'nerdctl', 'kubectl', 'ctr'].includes(name) && /\b(?:run|exec|create|apply)\b/.test(line)) {
    return HOST_MOUNT.test(line)
      ? sign('escalates', 'gives a container the host', 0.65, 'high')
      : name === 'kubectl' && /cron-?job|daemon-?set/i.test(line)
        ? sign('persists', 'has a cluster run something again and again', 0.5, 'medium')
        : name === 'kubectl' && /\brun\b/.test(line)
          ? sign('runs remote code', 'starts a container in a cluster', 0.3, 'low')
          : undefined
  }
  if (name === 'nsenter') {
    return /(?:-t|--target)[= ]?1\b|\/proc\/1\//.test(line)
      ? sign('escalates', 'steps out of a container', 0.8, 'critical')
      : undefined
  }
  return name === 'mount' && /\/dev\/(?:sd|vd|xvd|nvme|dm-)|\/dev\/disk/.test(line)
    ? sign('escalates', 'mounts a disk', 0.2, 'low')
    : undefined
}

/** Products that watch machines, as somebody would look for them. */
const WATCHERS =
  /falcon|crowdstrike|carbon|cbdaemon|sentinel|osquery|wazuh|ossec|clamd|sophos|mcafee|symantec|littlesnitch|santad?\b|mdatp|defender|\beset|cylance|auditd|kaspersky/i

function keys({ name, assigns, args }: Command, line: string): Sign | undefined {
  const prompted = assigns.find(([variable]) => /^(?:PROMPT_COMMAND|PS[0124])$/.test(variable))
  if (prompted !== undefined && /logger|tee -a|history -a\s*>\(|\bnc\b|curl/.test(prompted[1])) {
    return sign('spies', 'records every command', 0.65, 'medium')
  }
  if (name === 'ssh-keygen' && args.includes('-y')) {
    return sign('takes credentials', 'reads a key', 0.2, 'low')
  }
  if (/^[ef]?grep$|^pgrep$|^awk$/.test(name) && WATCHERS.test(line)) {
    return sign('explores', 'looks for what watches the machine', 0.5, 'low')
  }
  const firmware =
    (name === 'sysctl' && /hw\.(?:hv_vendor|model)|kern\.hv_vmm|machdep\.cpu\.features/.test(line)) ||
    /\/dmi\/id\/|\/proc\/scsi\/|\.dockerenv/.test(line) ||
    (name === 'csrutil' && args[0] === 'status') ||
    (name === 'system_profiler' && /SPHardware/.test(line))
  if (firmware) {
    return sign('explores', 'looks whether the machine is a virtual one', 0.4, 'low')
  }
  return /^(?:grep|egrep)$/.test(name) && VIRTUAL.test(line) && /\|/.test(line)
    ? sign('explores', 'looks whether the machine is a virtual one', 0.5, 'low')
    : name === 'systemd-detect-virt'
      ? sign('explores', 'looks whether the machine is a virtual one', 0.5, 'low')
      : undefined
}

/** AppleScript, and browsers opened to be driven. */
function applications({ name }: Command, line: string): Sign | undefined {
  if (name === 'osascript') {
    if (/hidden answer|display dialog[^"]{0,20}"[^"]{0,200}pass/i.test(line)) {
      return sign('takes credentials', 'asks the user for a password', 0.8, 'high')
    }
    if (/Cookies|NoteStore|Keychains|Login Data|duplicate file/i.test(line)) {
      return sign('spies', 'copies private files', 0.7, 'high')
    }
    if (/delete|login item/i.test(line)) {
      return sign('evades', 'has another program do it', 0.5, 'medium')
    }
  }
  return /remote-debugging-port/.test(line)
    ? sign('takes credentials', 'opens a browser to be read from outside', 0.6, 'medium')
    : undefined
}
