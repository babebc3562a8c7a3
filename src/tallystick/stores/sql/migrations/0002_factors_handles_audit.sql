-- Second factors and proven addresses lie with the account; handles are single-use steps on the way to a session or to a
-- change of an account; the audit trail is append-only, each row chained to the one before.

ALTER TABLE ts_account ADD COLUMN verified_at BIGINT;

ALTER TABLE ts_account ADD COLUMN authenticators TEXT NOT NULL DEFAULT '{}';

ALTER TABLE ts_session ADD COLUMN network TEXT NOT NULL DEFAULT '';

CREATE TABLE ts_handle (
  digest BYTEA PRIMARY KEY CHECK (length(digest) = 32),
  version BIGINT NOT NULL,
  kind TEXT NOT NULL,
  principal TEXT,
  client TEXT,
  session TEXT,
  born_epoch BIGINT NOT NULL,
  born_seq BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  facts TEXT NOT NULL,
  consumed_at BIGINT,
  opened TEXT
);

CREATE INDEX ts_handle_principal ON ts_handle (principal, kind) WHERE principal IS NOT NULL;

CREATE INDEX ts_handle_expires ON ts_handle (expires_at);

CREATE TABLE ts_audit_head (
  one BIGINT PRIMARY KEY CHECK (one = 1),
  seq BIGINT NOT NULL,
  chain BYTEA NOT NULL CHECK (length(chain) = 32)
);

CREATE TABLE ts_audit (
  seq BIGINT PRIMARY KEY,
  at BIGINT NOT NULL,
  name TEXT NOT NULL,
  actor TEXT NOT NULL,
  principal TEXT NOT NULL,
  session TEXT NOT NULL,
  client TEXT NOT NULL,
  network TEXT NOT NULL,
  request TEXT NOT NULL,
  because TEXT NOT NULL,
  facts TEXT NOT NULL,
  chain BYTEA NOT NULL CHECK (length(chain) = 32)
);

CREATE INDEX ts_audit_principal ON ts_audit (principal, seq);
