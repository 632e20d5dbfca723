-- Findings: opinions about events. Marks, which travel on the same topic and hold no opinion, are not stored.
CREATE TABLE IF NOT EXISTS findings {{on_cluster}}
(
    tenant_id    String CODEC(ZSTD(1)),
    time         DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    agent_id     String CODEC(ZSTD(1)),
    finding_id   String CODEC(ZSTD(1)),
    version      UInt64 CODEC(Delta(8), ZSTD(1)),
    batch_id     String CODEC(ZSTD(1)),
    stored_at    DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    event_id     String CODEC(ZSTD(1)),
    session_id   String CODEC(ZSTD(1)),
    trace_id     String CODEC(ZSTD(1)),
    detector     LowCardinality(String),
    kind         LowCardinality(String),
    severity     LowCardinality(String),
    confidence   Float64 CODEC(ZSTD(1)),
    p            Nullable(Float64) CODEC(ZSTD(1)),
    cause        String CODEC(ZSTD(1)),
    title        String CODEC(ZSTD(1)),
    techniques   Array(LowCardinality(String)),
    body         String CODEC(ZSTD(1)),
    INDEX by_finding finding_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_event event_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_session session_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_batch batch_id TYPE minmax GRANULARITY 1
)
ENGINE = {{replacing}}
PARTITION BY toDate(stored_at)
ORDER BY (tenant_id, toStartOfTenMinutes(time), agent_id, time, finding_id)
TTL stored_at + toIntervalDay({{findings_days}})
SETTINGS index_granularity = 2048, ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS findings_in {{on_cluster}} (batch_id String, version UInt64, row String) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS findings_taken_apart {{on_cluster}} TO findings AS
WITH JSONExtract(row, 'Tuple(
    finding_id String, time_ms Float64, tenant_id String, agent Tuple(id String), event_id String, session_id String,
    trace_id String, detector String, kind String, severity String, confidence Float64, p Nullable(Float64),
    cause String, title String, techniques Array(String))') AS finding
SELECT
    finding.tenant_id AS tenant_id,
    fromUnixTimestamp64Milli(toInt64(least(greatest(finding.time_ms, 0.), 4102444800000.)), 'UTC') AS time,
    finding.agent.id AS agent_id,
    finding.finding_id AS finding_id,
    version,
    batch_id,
    now('UTC') AS stored_at,
    finding.event_id AS event_id,
    finding.session_id AS session_id,
    finding.trace_id AS trace_id,
    finding.detector AS detector,
    finding.kind AS kind,
    finding.severity AS severity,
    finding.confidence AS confidence,
    finding.p AS p,
    finding.cause AS cause,
    finding.title AS title,
    finding.techniques AS techniques,
    row AS body
FROM findings_in
WHERE throwIf(NOT isValidJSON(row), 'not JSON') = 0 AND finding.finding_id != '';
