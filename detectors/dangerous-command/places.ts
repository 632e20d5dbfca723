/** What a path is, by where it lies: keys, account files, startup files, logs, devices, ... For Linux, macOS, BSD and Windows. */

export type PlaceKind =
  | 'credentials'
  | 'package-settings'
  | 'accounts'
  | 'privileges'
  | 'startup'
  | 'shell-startup'
  | 'login-keys'
  | 'preload'
  | 'logs'
  | 'history'
  | 'mail'
  | 'device'
  | 'security-settings'
  | 'trust-settings'
  | 'kernel-settings'
  | 'process-memory'
  | 'broad'
  | 'system'
  | 'private'
  | 'browsing'

/** The first that fits names the place; every pattern is linear. Paths are read with `~`, `$HOME` and user folders as `~`. */
const PLACES: readonly (readonly [PlaceKind, RegExp])[] = [
  ['preload', /^\/(?:usr\/local\/)?etc\/ld\.so\.preload/],
  [
    'privileges',
    /\/etc\/(?:sudoers|doas\.conf|pam\.d|pam\.conf|security\/(?:access|limits)\.conf|polkit-1|krb5\.conf)|\/polkit-1\/rules/,
  ],
  ['login-keys', /\.ssh\/(?:authorized_keys2?|rc|environment)\b/],
  [
    'credentials',
    /\/etc\/(?:g?shadow-?|master\.passwd|security\/opasswd|ssh\/ssh_host_\w+_key(?!\.pub)|krb5\.keytab)\b|\/shadow\/|(?:^|[/.*])id_(?:rsa|dsa|ecdsa|ed25519|xmss)\b(?!\.pub)|\.(?:pem|p12|pfx|ppk|jks|kdbx|keystore|keytab|ovpn|kirbi|ccache|gpg-key)\b|(?:^|\/)\.(?:netrc|pgpass|my\.cnf|git-credentials|pypirc|dockercfg|htpasswd|vault-token|s3cfg|boto)\b|\.aws(?:\/(?:credentials|sso|cli)|\b)|\.azure\b|\.config\/gcloud\b|\.oci\b|gcloud\/(?:credentials|access_tokens|legacy)|(?:msal_token_cache|accessTokens|azureProfile)|(?:application_default_credentials|access_tokens\.db|credentials\.db)|\.kube\/config|\.docker\/config\.json|serviceaccount\/token|\/run\/secrets\/|\.gnupg\b|secring|\.password-store|Library\/Keychains|(?:login|System)\.keychain|\/(?:Login Data|Cookies|Web Data|Local State)\b|(?:logins\.json|key[34]\.db|signons\.sqlite|cookies\.sqlite|Cookies\.binarycookies)|Library\/Cookies|kwallet|\.local\/share\/keyrings|\.mozilla\/firefox|google-chrome\b|BraveSoftware|krb5cc_|(?:^|\/)(?:SAM|ntds\.dit)$|config\\(?:SAM|SYSTEM|SECURITY)\b|unattend\.xml|wpa_supplicant|system-connections|\.(?:config\/)?rclone\b|wallet\.dat|\.(?:electrum|ethereum)\b|logins\.keychain/i,
  ],
  ['package-settings', /(?:^|\/)\.npmrc\b(?!\.(?:example|sample|template|dist)\b)/],
  [
    'process-memory',
    /^\/proc\/(?:self|\d+|\*|["']?\$\{?\w+\}?["']?|\$\([^)]{0,100}\))["']?\/(?:mem|maps?|environ|auxv)\b|^\/dev\/k?mem\b|\/proc\/kcore/,
  ],
  [
    'kernel-settings',
    /^\/proc\/(?:sys\/|sysrq)|^\/sys\/(?:kernel|module|fs\/(?:selinux|cgroup|bpf))\b|\/release_agent$|core_pattern/,
  ],
  [
    'security-settings',
    /\/etc\/(?:audit|audisp|libaudit|auditd|rsyslog|syslog|newsyslog|apparmor|selinux|ufw|default\/ufw|iptables|nftables|firewalld|pf\.conf|ipfw|hosts\.(?:allow|deny)|fail2ban|clamav|aide|ossec|osquery|falco|security\/audit|systemd\/journald|sysctl|logrotate|nsswitch)|\/(?:CrowdStrike|falcon|carbonblack|SentinelOne|sentinelone|osquery|wazuh|ossec|mdatp)\b/i,
  ],
  [
    'trust-settings',
    /\/ca-certificates\b|\/etc\/(?:pki|ssl\/certs|ssl\/cert\.pem)\b|ca-trust|^\/etc\/(?:hosts|resolv\.conf)$|\/certs\/[^/]{1,80}\.(?:crt|pem)$|TCC\.db/,
  ],
  [
    'startup',
    /\/etc\/(?:cron|anacron|at\.|init\.d|inittab|rc\d?\b|rc[.-]|systemd|init\/|xinetd|inetd|update-motd|profile|bash|zsh|zprofile|X11\/xinit|xdg\/autostart|udev|modules|modprobe|NetworkManager\/dispatcher|emond|periodic|apt\/apt\.conf|yum|dnf|motd|environment|skel|launchd|launchd\.conf)|\/(?:spool|var)\/(?:cron|at)\b|\/var\/(?:db\/emond|at)\b|\/(?:usr\/(?:local\/)?)?lib\/(?:systemd|udev)\/|\/usr\/local\/etc\/rc|\.config\/(?:systemd|autostart|upstart)|Library\/(?:LaunchAgents|LaunchDaemons|StartupItems|Preferences\/ByHost\/com\.apple\.loginwindow|Preferences\/com\.apple\.(?:loginwindow|loginitems)|Security\/SecurityAgentPlugins|Scripts\/Folder|QuickLook|Spotlight)|loginwindow\.plist|\/\.git\/hooks\/|Start Menu\\Programs\\Startup|\/etc\/emond/i,
  ],
  [
    'shell-startup',
    /(?:^|\/)\.(?:bashrc|bash_profile|bash_login|bash_logout|profile|zshrc|zprofile|zshenv|zlogin|zlogout|kshrc|cshrc|tcshrc|login|logout|shrc|xinitrc|xsession|xprofile|vimrc|inputrc)$|\.config\/fish\/config\.fish|sitecustomize\.py|usercustomize\.py|\/vim\/[^/]{0,40}plugin/,
  ],
  [
    'history',
    /(?:^|\/)\.?(?:bash|zsh|sh|ksh|fish|python|mysql|psql|sqlite|rediscli|lesshst|node_repl)_?hi?sto?r?y?\b|(?:^|\/)\.history\b|\$\{?HISTFILE\b|fish_history|ConsoleHost_history|\.lesshst|\.viminfo/,
  ],
  [
    'browsing',
    /places\.sqlite|\/(?:Chrome|Chromium|Edge|Brave)[^/]{0,30}\/[^/]{1,40}\/(?:Bookmarks|History)|\bBookmarks(?:\.plist)?$/,
  ],
  ['mail', /^\/var\/(?:spool\/)?mail(?:\/|$)|Library\/Mail(?:\/|$)/],
  [
    'logs',
    /^(?:\/private)?\/var\/(?:log|audit|adm|account)\b|^\/(?:Library|Users\/[^/]{1,60}\/Library|~\/Library)\/Logs\b|^\/run\/log\b|\/var\/run\/(?:utmp|wtmp)|(?:^|\/)(?:wtmp|btmp|utmp|lastlog|utx\.l[^/]{0,20}|auth\.log|secure\.log)$|-json\.log$|\.evtx$/,
  ],
  [
    'accounts',
    /^\/(?:usr\/local\/)?etc\/(?:passwd|group|gshadow|login\.defs|shells|subuid)-?\b|\/dslocal\/nodes\/Default\/(?:users|groups)/,
  ],
  [
    'device',
    /^\/dev\/(?:r?disk\d|sd[a-z*]|hd[a-z]|vd[a-z]|xvd[a-z]|nvme\d|mmcblk|dm-\d|mapper\/|md\d|zd\d|ada\d|da\d)|^\\\\\.\\(?:PhysicalDrive|[A-Z]:)/i,
  ],
  [
    'broad',
    /^(?:\/|\/\*|~\/?\*?|\/(?:home|Users|root|etc|usr|var|opt|srv|boot|bin|sbin|lib|lib64|sys|proc|dev|mnt|media|System|Library|Applications|Volumes)(?:\/\*?)?|\/(?:home|Users)\/[^/]{1,60}\/\*?|[A-Z]:\\\*?|[A-Z]:\\(?:Windows|Users|ProgramData)\\?\*?|\/\.?\.?\/?\*?)$/i,
  ],
  [
    'private',
    /^~\/(?:Documents|Desktop|Pictures|Downloads|Library\/(?:Group Containers|Containers|Application Support\/(?:AddressBook|MobileSync)|Messages|Calendars))\b|group\.com\.apple\.notes|NoteStore\.sqlite|chat\.db\b/i,
  ],
  ['system', /^\/(?:bin|sbin|lib|lib64|boot|usr\/(?:bin|sbin|lib|libexec)|System|etc)\//],
]

const HOME = /^(?:\$\{?HOME\}?|\/home\/[^/]{1,60}|\/Users\/[^/]{1,60}|\/root)(?=\/|$)/
/** A path must hold one of these; what does not is a plain word. */
const PATH = /[/\\~.$]|(?:NTDS|SAM|wtmp|btmp|utmp|wallet)/i
/** The longest word looked at. */
const PATH_LIMIT = 400

/** What the path is, or `undefined` when it is nothing of note. */
export function placeKind(word: string): PlaceKind | undefined {
  if (word.length > PATH_LIMIT || !PATH.test(word)) {
    return undefined
  }
  const path = word
    .replace(/^file:(?:\/\/)?/, '')
    .replace(/\/{2,}/g, '/')
    .replace(HOME, '~')
  return PLACES.find(([kind, pattern]) => pattern.test(path) && !(kind === 'credentials' && isCertificate(path)))?.[0]
}

/** `fullchain.pem`, `ca.pem`, `public_key.pem`: everybody may read them. A file that holds a key, too, is named for that. */
function isCertificate(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase()
  return (
    name.endsWith('.pem') &&
    (/(?:^|[-_.])pub(?:lic|key)?(?=[-_.])/.test(name) ||
      (/(?:^|[-_.])(?:(?:root|my)?ca|ca-?certs?|certs?|certificates?|(?:full)?chain|bundle)(?=[-_.])/.test(name) &&
        !/key|priv|client/.test(name)))
  )
}
