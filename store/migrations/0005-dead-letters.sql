-- Dead letters: what was given up, by whom and why. They are few and looked for by time: no key but the tenant and the
-- id. The tenant is empty where nobody can tell whose the record was.
CREATE TABLE IF NOT EXISTS dead_letters {{on_cluster}}
(
    tenant_id  String CODEC(ZSTD(1)),
    letter_id  String CODEC(ZSTD(1)),
    version    UInt64 CODEC(Delta(8), ZSTD(1)),
    batch_id   String CODEC(ZSTD(1)),
    stored_at  DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    time       DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    stage      LowCardinality(String),
    sink       LowCardinality(String),
    reason     LowCardinality(String),
    body       String CODEC(ZSTD(1)),
    INDEX by_batch batch_id TYPE minmax GRANULARITY 1
)
ENGINE = {{replacing}}
PARTITION BY toDate(stored_at)
ORDER BY (tenant_id, letter_id)
TTL stored_at + toIntervalDay({{dead_letters_days}})
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1, min_bytes_for_wide_part = 268435456;

CREATE TABLE IF NOT EXISTS dead_letters_in {{on_cluster}} (batch_id String, version UInt64, row String) ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS dead_letters_taken_apart {{on_cluster}} TO dead_letters AS
WITH JSONExtract(row, 'Tuple(
    tenant_id String, letter_id String, time_ms Float64, stage String, sink String, reason String)') AS letter
SELECT
    letter.tenant_id AS tenant_id,
    letter.letter_id AS letter_id,
    version,
    batch_id,
    now('UTC') AS stored_at,
    fromUnixTimestamp64Milli(toInt64(least(greatest(letter.time_ms, 0.), 4102444800000.)), 'UTC') AS time,
    letter.stage AS stage,
    letter.sink AS sink,
    letter.reason AS reason,
    row AS body
FROM dead_letters_in
WHERE throwIf(letter.letter_id = '', 'not a dead letter') = 0;
