/** How to reach a Kafka cluster, as `bus.kafka` of the configuration says, and what both the bus and inputs need of it. */

/**
 * After so long without a sign of life the partitions of a process are dealt to others, unless its consumer is told
 * otherwise: the least that brokers allow by default.
 */
export const SESSION_TIMEOUT_MS = 6000

export interface KafkaTls {
  /** PEM. Absent: the authorities that Node knows. */
  readonly ca?: string
  /** PEM of the client's own certificate and key, where the brokers ask for one. */
  readonly cert?: string
  readonly key?: string
  /** The name on the brokers' certificate, when it is not the host. */
  readonly serverName?: string
}

export type KafkaSasl =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
      readonly username: string
      readonly password: string
    }
  | {
      /** A token from an OAuth 2.0 token endpoint, by client credentials (RFC 6749, section 4.4). */
      readonly mechanism: 'oauthbearer'
      readonly tokenUrl: string
      readonly clientId: string
      readonly clientSecret: string
      readonly scope?: string
    }

export interface KafkaSettings {
  /** `host:port` each; one that answers is enough. */
  readonly brokers: readonly string[]
  /** What the brokers' logs and quotas call us. Default `telltale`. */
  readonly clientId?: string
  readonly tls?: true | KafkaTls
  readonly sasl?: KafkaSasl
  /** How long a broker may take to answer before its connection is given up. Default 10 s. */
  readonly requestTimeoutMs?: number
}
