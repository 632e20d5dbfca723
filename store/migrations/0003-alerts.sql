-- Alerts: what somebody should look at. The bus carries notices, which hold the whole alert as it is after a change;
-- the newest is the alert. What people decide about it is appended to alert_states and never rewrites it.
CREATE TABLE IF NOT EXISTS alerts {{on_cluster}}
(
    tenant_id    String CODEC(ZSTD(1)),
    alert_id     String CODEC(ZSTD(1)),
    version      UInt64 CODEC(Delta(8), ZSTD(1)),
    batch_id     String CODEC(ZSTD(1)),
    stored_at    DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    time         DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    first_event  DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    agent_id     String CODEC(ZSTD(1)),
    session_id   String CODEC(ZSTD(1)),
    trace_id     String CODEC(ZSTD(1)),
    kind         LowCardinality(String),
    severity     LowCardinality(String),
    confidence   Float64 CODEC(ZSTD(1)),
    title        String CODEC(ZSTD(1)),
    detectors    Array(LowCardinality(String)),
    event_ids    Array(String) CODEC(ZSTD(1)),
    techniques   Array(LowCardinality(String)),
    body         String CODEC(ZSTD(1)),
    INDEX by_batch batch_id TYPE minmax GRANULARITY 1
)
ENGINE = {{replacing}}
PARTITION BY toYYYYMM(stored_at)
ORDER BY (tenant_id, alert_id)
TTL stored_at + toIntervalDay({{alerts_days}})
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS alerts_in {{on_cluster}} (batch_id String, version UInt64, row String) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS alerts_taken_apart {{on_cluster}} TO alerts AS
WITH JSONExtract(row, 'alert', 'Tuple(
    alert_id String, time_ms Float64, first_event_ms Float64, tenant_id String, agent Tuple(id String),
    session_id String, trace_id String, kind String, severity String, confidence Float64, title String,
    findings Array(Tuple(detector String, event_id String)), techniques Array(Tuple(id String)))') AS alert
SELECT
    alert.tenant_id AS tenant_id,
    alert.alert_id AS alert_id,
    version,
    batch_id,
    now('UTC') AS stored_at,
    fromUnixTimestamp64Milli(toInt64(least(greatest(alert.time_ms, 0.), 4102444800000.)), 'UTC') AS time,
    fromUnixTimestamp64Milli(toInt64(least(greatest(alert.first_event_ms, 0.), 4102444800000.)), 'UTC') AS first_event,
    alert.agent.id AS agent_id,
    alert.session_id AS session_id,
    alert.trace_id AS trace_id,
    alert.kind AS kind,
    alert.severity AS severity,
    alert.confidence AS confidence,
    alert.title AS title,
    arrayDistinct(alert.findings.detector) AS detectors,
    arrayDistinct(alert.findings.event_id) AS event_ids,
    alert.techniques.id AS techniques,
    JSONExtractRaw(row, 'alert') AS body
FROM alerts_in
WHERE throwIf(alert.alert_id = '', 'not a notice') = 0;

-- One row for each decision about an alert; the newest is the state of the alert.
CREATE TABLE IF NOT EXISTS alert_states {{on_cluster}}
(
    tenant_id    String CODEC(ZSTD(1)),
    alert_id     String CODEC(ZSTD(1)),
    version      UInt64 CODEC(Delta(8), ZSTD(1)),
    batch_id     String CODEC(ZSTD(1)),
    stored_at    DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    time         DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    status       LowCardinality(String),
    disposition  LowCardinality(String),
    actor        String CODEC(ZSTD(1)),
    note         String CODEC(ZSTD(1))
)
ENGINE = {{replacing}}
PARTITION BY toYYYYMM(stored_at)
ORDER BY (tenant_id, alert_id, version)
TTL stored_at + toIntervalDay({{alerts_days}})
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE TABLE IF NOT EXISTS alert_states_in {{on_cluster}} (batch_id String, version UInt64, row String) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS alert_states_taken_apart {{on_cluster}} TO alert_states AS
WITH JSONExtract(row, 'Tuple(
    tenant_id String, alert_id String, time_ms Float64, status String, disposition String, actor String, note String)') AS state
SELECT
    state.tenant_id AS tenant_id,
    state.alert_id AS alert_id,
    version,
    batch_id,
    now('UTC') AS stored_at,
    fromUnixTimestamp64Milli(toInt64(least(greatest(state.time_ms, 0.), 4102444800000.)), 'UTC') AS time,
    state.status AS status,
    state.disposition AS disposition,
    state.actor AS actor,
    state.note AS note
FROM alert_states_in
WHERE throwIf(state.alert_id = '', 'not a state') = 0;
