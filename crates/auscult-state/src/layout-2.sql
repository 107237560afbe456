-- Facts, claims and conversations take a third of the room when they are packed (LZ4 behind a
-- length). Rows that an older version wrote have them as they were.
ALTER TABLE facts ADD COLUMN packed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN detail BLOB;

-- What each minute of an input holds, by which overlapping captures are found: 20 bytes a minute.
ALTER TABLE input ADD COLUMN minutes BLOB;
CREATE INDEX input_by_time ON input (first, last);

-- When the finding had been seen last, as far as was known when it was decided.
ALTER TABLE finding_case ADD COLUMN seen INTEGER;

-- The asset register as it was imported last.
CREATE TABLE asset_register (
    file TEXT NOT NULL,
    at INTEGER NOT NULL,
    json TEXT NOT NULL
) STRICT;
CREATE VIEW asset AS
    SELECT
        json_extract(value, '$.line') AS line,
        json_extract(value, '$.asset') AS asset,
        json_extract(value, '$.vendor') AS vendor,
        json_extract(value, '$.model') AS model,
        json_extract(value, '$.serial') AS serial,
        json_extract(value, '$.macs') AS macs,
        json_extract(value, '$.host') AS host,
        json_extract(value, '$.unit') AS unit,
        json_extract(value, '$.location') AS location,
        json_extract(value, '$.status') AS status
    FROM asset_register, json_each(asset_register.json, '$.rows');

-- Devices that the user called one, by their ids when it was said.
CREATE TABLE user_join (
    device TEXT NOT NULL,
    other TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (device, other)
) STRICT, WITHOUT ROWID;
