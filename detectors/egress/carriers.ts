/**
 * Services that carry data out, or hide who does, for whoever asks: known by their names, and by the words that such
 * services name themselves with. What a defender would not expect an agent to need; popular services that people also
 * work with (chat, code hosting, office files) are left out on purpose, since a host alone does not tell them apart.
 */
import type { Severity } from '../../schema/finding.ts'

/** What a host is for. */
export interface Carrier {
  /** In our own words, for findings: `a service that records whatever is sent to it`. */
  readonly what: string
  readonly severity: Severity
}

interface Kind extends Carrier {
  /** Registrable domains, or hosts under them. */
  readonly names: string
  /** Looked for in the registrable domain without its public suffix, between borders. */
  readonly words: RegExp
}

const KINDS: readonly Kind[] = [
  {
    what: 'a service that records whatever is sent to it',
    severity: 'medium',
    names:
      'webhook.site requestbin.com requestbin.net requestbin.org pipedream.net beeceptor.com hookbin.com postb.in requestcatcher.com oast.pro oast.live oast.site oast.online oast.fun oast.me interact.sh interactsh.com oastify.com burpcollaborator.net dnslog.cn dnslog.org dnslog.pp.ua ceye.io canarytokens.com canarytokens.org mockbin.org ptsv2.com ptsv3.com typedwebhook.tools webhook.cool requestinspector.com bxss.in xss.ht xss.report eyes.sh tu4.org',
    words:
      /^(?:request|hook)-?bin$|^webhook-?(?:site|test|cool|catcher)?$|^requestcatch|^dnslog$|^oast(?:ify)?$|^interactsh$|burpcollaborator/,
  },
  {
    what: 'a place where anybody can paste text',
    severity: 'medium',
    names:
      'pastebin.com pastebin.pl hastebin.com hastebin.skyra.pw ghostbin.co ghostbin.com paste.ee paste.rs paste.sh pastie.org dpaste.com dpaste.org rentry.co rentry.org controlc.com privatebin.net privatebin.info ix.io sprunge.us termbin.com justpaste.it justpaste.me telegra.ph paste2.org p.ip.fi 0bin.net bpa.st cl1p.net zerobin.net snippet.host nekobin.com textbin.net katb.in',
    words: /^paste-?(?:bin|r|rs)?\d?$|^[a-z]?paste(?:bin)?$|^(?:haste|ghost|private|zero|hate|text)-?bin$/,
  },
  {
    what: 'a place where anybody can leave files',
    severity: 'medium',
    names:
      'transfer.sh file.io 0x0.st x0.at anonfiles.com anonfile.com bayfiles.com gofile.io temp.sh tmpfiles.org bashupload.com catbox.moe litterbox.catbox.moe pomf.cat uguu.se filebin.net filebin.io sendspace.com ufile.io mediafire.com pixeldrain.com wetransfer.com send.exploit.in krakenfiles.com workupload.com dropmefiles.com easyupload.io uploadfiles.io upload.ee zippyshare.com 1fichier.com fastupload.io oshi.at keep.sh free.keep.sh chunk.io qaz.im send.vis.ee swisstransfer.com wormhole.app filetransfer.io file.pizza privatlab.net w3spaces.com send.firefox.com sendgb.com fromsmash.com',
    words: /^(?:anon|temp|tmp|bash|drop)-?(?:files?|uploads?|share)$|^(?:file|upload)-?(?:bin|io|drop)$/,
  },
  {
    what: 'a tunnel into or out of a network',
    severity: 'medium',
    names:
      'ngrok.io ngrok.com ngrok.app ngrok.dev ngrok-free.app ngrok-free.dev ngrok.pizza ngrok.pro trycloudflare.com localhost.run lhr.life lhr.rocks lhrtunnel.link serveo.net serveousercontent.com loca.lt localtunnel.me localtunnel.com bore.pub bore.digital pagekite.me pagekite.net telebit.io telebit.cloud tunnelto.dev portmap.io portmap.host packetriot.com packetriot.net pktriot.net playit.gg btunnel.in pinggy.io pinggy.link pinggy.online zrok.io loophole.site loophole.cloud localxpose.io loclx.io devtunnels.ms tunnel4.com tunnelmole.net holesail.io sirtunnel.net openport.io onionshare.org',
    words: /^(?:[a-z]{1,6}-)?ngrok(?:-[a-z]{1,5})?$|^local(?:host-?run|tunnel|xpose)$|^pinggy$|^tunnel(?:to|mole|4)$/,
  },
  {
    what: 'a name that anybody can point anywhere, at once',
    severity: 'low',
    names:
      'duckdns.org ddns.net noip.me noip.com hopto.org zapto.org sytes.net myftp.org myftp.biz serveftp.com servebeer.com serveblog.net servegame.com servehttp.com serveminecraft.net redirectme.net bounceme.net gotdns.ch 3utilities.com access.ly onthewifi.com viewdns.net webhop.me webhop.net dyndns.org dyndns.biz dyndns.info dyndns.tv dnsalias.com dnsalias.org homeip.net homelinux.org homeunix.net freeddns.org ddnsfree.com ddnsgeek.com giize.com gleeze.com kozow.com loseyourip.com ooguy.com theworkpc.com casacam.net mywire.org webredirect.org accesscam.org camdvr.org mooo.com chickenkiller.com crabdance.com ignorelist.com jumpingcrab.com strangled.net twilightparadox.com ddns.info ddns.us ddns.name ddns.mobi dns04.com dns05.com ns01.info ns02.info ns1.name ns2.name ddnsking.com ddns.mu dy.fi dtdns.net nsupdate.info now-dns.com now-dns.net spdns.de spdns.eu spdns.org goip.de selfhost.eu selfhost.de my-ddns.de dnsdynamic.org dhs.org cloudns.cl cloudns.cc cloudns.asia ydns.eu sslip.io nip.io xip.io ply.gg hldns.ru dnsfor.me yi.org ath.cx dnsexit.com linkpc.net publicvm.com mymom.info sexxxy.biz xxuz.com zzux.com qhigh.com onmypc.net mefound.com mrbasic.com mrface.com my03.com almostmy.com ezua.com faqserv.com ikwb.com itemdb.com itsaol.com jkub.com jetos.com justdied.com lflink.com lflinkup.com longmusic.com moneyhome.biz proxydns.com port25.biz rebatesrule.net sendsmtp.com sixth.biz squirly.info toh.info toythieves.com trickip.net trickip.org vizvaz.com wikaba.com youdontcare.com wha.la fishdns.com',
    words:
      /^(?:my|free|dynamic|now|dyn)-?d?dns(?:king|geek|free|home|alias)?$|^ddns(?:king|geek|free)?$|^dyn-?(?:dns|alias|host)$|^(?:duck|dtdns|spdns|ydns|dnsdynamic)(?:dns)?$/,
  },
  {
    what: 'a way into a network that hides who uses it',
    severity: 'medium',
    names:
      'tor2web.org tor2web.io tor2web.fi onion.to onion.ly onion.ws onion.pet onion.cab onion.city onion.link onion.lu onion.am onion.dog onion.guide onion.sh onion.moe darknet.to torproject.org tor4free.org tordomain.org i2p.net i2p2.no i2pgit.org i2p-projekt.de geti2p.net',
    words: /^onion$|^tor2w|^tor-?(?:gateways?|domain|4free)$|^door2tor$|^welcome2tor$|^i2p(?:git|-projekt)?\d?$/,
  },
  {
    what: 'a gateway to files that nobody can take down',
    severity: 'low',
    names:
      'ipfs.io dweb.link nftstorage.link w3s.link cf-ipfs.com cloudflare-ipfs.com 4everland.io infura-ipfs.io fleek.co gateway.pinata.cloud siasky.net permaweb.eu.org crustwebsites.net ipns.co flk-ipfs.xyz',
    words: /^(?:[a-z0-9]{1,10}-)?ip[fn]s(?:-(?:gateway|gate|io))?$/,
  },
  {
    what: 'a pool or a tool that mines coins',
    severity: 'medium',
    names:
      'minergate.com suprnova.cc supportxmr.com minexmr.com nanopool.org f2pool.com 2miners.com hashvault.pro herominers.com moneroocean.stream unmineable.com nicehash.com ethermine.org dwarfpool.com coinhive.com coin-hive.com crypto-loot.com cryptoloot.pro jsecoin.com webminepool.com antpool.com viabtc.com slushpool.com prohashing.com flypool.org coinimp.com miningrigrentals.com',
    words:
      /^(?:xmr|monero|mine-?xmr|minexmr|xmr-?pool|monero-?pool|mine-?monero)(?:-?(?:pool|mine|miner|us|eu))?$|^(?:coin-?hive|coin-?imp|crypto-?loot|miner-?gate|nano-?pool|hash-?vault|web-?mine-?pool|ether-?mine|fly-?pool)$|cnpool$/,
  },
]

const BY_NAME: ReadonlyMap<string, Kind> = new Map(
  KINDS.flatMap((kind) => kind.names.split(' ').map((name) => [name, kind] as const)),
)

/**
 * What the host is known for.
 *
 * @param name a name in its one form (`readHost`)
 * @param label its registrable domain without the public suffix, where it has one
 */
export function carrierOf(name: string, label: string | undefined): Carrier | undefined {
  for (let rest = name; rest !== ''; ) {
    const known = BY_NAME.get(rest)
    if (known !== undefined) {
      return known
    }
    const dot = rest.indexOf('.')
    rest = dot < 0 ? '' : rest.slice(dot + 1)
  }
  return label === undefined ? undefined : KINDS.find(({ words }) => words.test(label))
}
