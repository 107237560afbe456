-- Inputs taken in. `number` is how facts and evidence count files; it is never used again.
CREATE TABLE input (
    number INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    file TEXT NOT NULL,
    packets INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    first INTEGER, -- nanoseconds since 1970, UTC, as all times
    last INTEGER,
    json TEXT NOT NULL
) STRICT;
-- Everything that conclusions rest on, for the program alone.
CREATE TABLE facts (bytes BLOB NOT NULL) STRICT;
CREATE TABLE secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO secret VALUES ('patient_key', randomblob(16));

-- What the facts come to; replaced as a whole by each save.
CREATE TABLE device (
    id TEXT PRIMARY KEY,
    place INTEGER NOT NULL, -- order in reports
    role TEXT NOT NULL,
    vendor TEXT, model TEXT, serial TEXT, firmware TEXT, os TEXT, hostname TEXT,
    bed TEXT, unit TEXT,
    confidence REAL NOT NULL,
    first_seen INTEGER, last_seen INTEGER,
    inside INTEGER NOT NULL,
    isolation TEXT NOT NULL,
    worst TEXT,
    json TEXT NOT NULL, -- as in the JSON report, without claims and conversations
    claims TEXT NOT NULL,
    talks_to TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE device_address (
    device TEXT NOT NULL, kind TEXT NOT NULL, address TEXT NOT NULL,
    PRIMARY KEY (device, kind, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_by_address ON device_address (address);
-- Every id under which a device was ever shown; never forgotten.
CREATE TABLE device_alias (
    alias TEXT PRIMARY KEY,
    device TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE finding (
    id TEXT PRIMARY KEY,
    place INTEGER NOT NULL,
    rule TEXT NOT NULL,
    severity TEXT NOT NULL,
    confidence REAL NOT NULL,
    title TEXT NOT NULL,
    first_seen INTEGER, last_seen INTEGER,
    json TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE finding_device (
    finding TEXT NOT NULL, device TEXT NOT NULL,
    PRIMARY KEY (finding, device)
) STRICT, WITHOUT ROWID;
-- The report without devices and findings.
CREATE TABLE summary (json TEXT NOT NULL) STRICT;
CREATE TABLE conversation_hour (
    hour INTEGER NOT NULL, -- hours since 1970, UTC
    originator TEXT NOT NULL,
    responder TEXT NOT NULL,
    transport TEXT NOT NULL,
    port INTEGER NOT NULL,
    protocol TEXT NOT NULL,
    outcome TEXT NOT NULL,
    flows INTEGER NOT NULL,
    bytes_sent INTEGER NOT NULL,
    bytes_answered INTEGER NOT NULL,
    PRIMARY KEY (hour, originator, responder, transport, port, protocol, outcome)
) STRICT, WITHOUT ROWID;

-- What people said; never changed by a save.
CREATE TABLE finding_case (
    finding TEXT PRIMARY KEY,
    status TEXT NOT NULL,
    until INTEGER,
    reason TEXT NOT NULL,
    rule TEXT NOT NULL,
    scope TEXT NOT NULL,
    changed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE finding_case_event (
    number INTEGER PRIMARY KEY,
    finding TEXT NOT NULL,
    at INTEGER NOT NULL,
    status TEXT NOT NULL,
    until INTEGER,
    reason TEXT NOT NULL
) STRICT;
CREATE TABLE user_word (
    device TEXT NOT NULL,
    attribute TEXT NOT NULL,
    value TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (device, attribute)
) STRICT, WITHOUT ROWID;

CREATE VIEW finding_open AS
    SELECT finding.* FROM finding
    LEFT JOIN finding_case ON finding_case.finding = finding.id
    WHERE coalesce(finding_case.status, 'open') = 'open';
