/** How clients reach a Kafka cluster that a setting describes: secrets in place, certificates read. */
import type { Config } from './config.ts'
import type { KafkaSasl, KafkaSettings, KafkaTls } from './engine/bus/kafka/settings.ts'
import { type Report, readAuthorities, readIdentity } from './pem-files.ts'
import type { Path } from './rules/yaml-document.ts'
import type { Sasl, TlsFiles } from './settings-kafka.ts'

/** What the settings of the bus and those of a collector have in common. */
type Cluster = Pick<NonNullable<Config['bus']['kafka']>, 'brokers' | 'tls' | 'sasl'>

/** Opens no connection. `path` is where the cluster stands in the configuration; files that cannot be used are reported. */
export function kafkaConnection(cluster: Cluster, path: Path, report: Report): KafkaSettings {
  const tls = readTls(cluster.tls, [...path, 'tls'], report)
  return {
    brokers: cluster.brokers,
    ...(tls === undefined ? {} : { tls }),
    ...(cluster.sasl === undefined ? {} : { sasl: saslOf(cluster.sasl) }),
  }
}

function readTls(tls: boolean | TlsFiles | undefined, path: Path, report: Report): true | KafkaTls | undefined {
  if (typeof tls !== 'object') {
    return tls === true ? true : undefined
  }
  const ca = readAuthorities(tls.ca_file, [...path, 'ca_file'], report)
  return {
    ...(ca === undefined ? {} : { ca }),
    ...readIdentity(tls, path, report),
    ...(tls.server_name === undefined ? {} : { serverName: tls.server_name }),
  }
}

function saslOf(sasl: Sasl): KafkaSasl {
  if (sasl.mechanism !== 'oauthbearer') {
    return sasl
  }
  const { mechanism, token_url, client_id, client_secret, scope } = sasl
  const client = { clientId: client_id, clientSecret: client_secret }
  return { mechanism, tokenUrl: token_url, ...client, ...(scope === undefined ? {} : { scope }) }
}
