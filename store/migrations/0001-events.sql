-- Events: what agents did. Rows arrive in events_in as the event's JSON and are taken apart on the way in, so that
-- the columns and the record can never disagree and the writer spends nothing on it.
--
-- Partitioned by the day of storing, never by the agent's clock, which a hostile agent sets: one insert, one
-- partition. An amendment has the event_id, agent and time of the event it amends and a higher version.
--
-- Sorted by agent within ten minutes: listings read the newest minutes only, and one agent's events of a while are
-- together. Granules are small because bodies are large: finding one event unpacks a granule of them.
CREATE TABLE IF NOT EXISTS events {{on_cluster}}
(
    tenant_id        String CODEC(ZSTD(1)),
    time             DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    agent_id         String CODEC(ZSTD(1)),
    event_id         String CODEC(ZSTD(1)),
    version          UInt64 CODEC(Delta(8), ZSTD(1)),
    batch_id         String CODEC(ZSTD(1)),
    stored_at        DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    observed_at      DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    agent_name       String CODEC(ZSTD(1)),
    agent_version    String CODEC(ZSTD(1)),
    agent_framework  String CODEC(ZSTD(1)),
    agent_owner      String CODEC(ZSTD(1)),
    session_id       String CODEC(ZSTD(1)),
    trace_id         String CODEC(ZSTD(1)),
    operation        LowCardinality(String),
    outcome          LowCardinality(String),
    error_type       String CODEC(ZSTD(1)),
    tool_name        String CODEC(ZSTD(1)),
    tool_server      String CODEC(ZSTD(1)),
    model            String CODEC(ZSTD(1)),
    principal        String CODEC(ZSTD(1)),
    hosts            Array(String) CODEC(ZSTD(1)),
    datasets         Array(String) CODEC(ZSTD(1)),
    policy_decision  LowCardinality(String),
    duration_ms      Nullable(Float64) CODEC(ZSTD(1)),
    bytes_in         UInt64 CODEC(ZSTD(1)),
    bytes_out        UInt64 CODEC(ZSTD(1)),
    input_tokens     UInt64 CODEC(ZSTD(1)),
    output_tokens    UInt64 CODEC(ZSTD(1)),
    cost_usd         Float64 CODEC(ZSTD(1)),
    -- The whole event, as the schema has it.
    body             String CODEC(ZSTD(1)),
    INDEX by_event event_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_session session_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_batch batch_id TYPE minmax GRANULARITY 1
)
ENGINE = {{replacing}}
PARTITION BY toDate(stored_at)
ORDER BY (tenant_id, toStartOfTenMinutes(time), agent_id, time, event_id)
TTL stored_at + toIntervalDay({{events_days}})
SETTINGS index_granularity = 2048, ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS events_in {{on_cluster}} (batch_id String, version UInt64, row String) ENGINE = Null;

-- What cannot be taken apart refuses its batch: a row of empty columns would hide it.
CREATE MATERIALIZED VIEW IF NOT EXISTS events_taken_apart {{on_cluster}} TO events AS
WITH JSONExtract(row, 'Tuple(
    event_id String, time_ms Float64, observed_ms Float64, tenant_id String,
    agent Tuple(id String, name String, version String, framework String, owner String),
    session_id String, trace_id String, operation String, outcome String, error_type String,
    tool Tuple(name String, server String), integrity Tuple(model String),
    subject_chain Array(Tuple(id String)), destinations Array(Tuple(host String)), dataset_scope Array(Tuple(id String)),
    policy_decision String, duration_ms Nullable(Float64),
    volume Tuple(bytes_in UInt64, bytes_out UInt64, input_tokens UInt64, output_tokens UInt64, cost_usd Float64))') AS event
SELECT
    event.tenant_id AS tenant_id,
    fromUnixTimestamp64Milli(toInt64(least(greatest(event.time_ms, 0.), 4102444800000.)), 'UTC') AS time,
    event.agent.id AS agent_id,
    event.event_id AS event_id,
    version,
    batch_id,
    now('UTC') AS stored_at,
    fromUnixTimestamp64Milli(toInt64(least(greatest(event.observed_ms, 0.), 4102444800000.)), 'UTC') AS observed_at,
    event.agent.name AS agent_name,
    event.agent.version AS agent_version,
    event.agent.framework AS agent_framework,
    event.agent.owner AS agent_owner,
    event.session_id AS session_id,
    event.trace_id AS trace_id,
    event.operation AS operation,
    event.outcome AS outcome,
    event.error_type AS error_type,
    event.tool.name AS tool_name,
    event.tool.server AS tool_server,
    event.integrity.model AS model,
    event.subject_chain.id[1] AS principal,
    event.destinations.host AS hosts,
    event.dataset_scope.id AS datasets,
    event.policy_decision AS policy_decision,
    event.duration_ms AS duration_ms,
    event.volume.bytes_in AS bytes_in,
    event.volume.bytes_out AS bytes_out,
    event.volume.input_tokens AS input_tokens,
    event.volume.output_tokens AS output_tokens,
    event.volume.cost_usd AS cost_usd,
    row AS body
FROM events_in
WHERE throwIf(event.event_id = '', 'not an event') = 0;
