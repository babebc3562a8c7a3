-- Instants are whole seconds since 1970, flags are 0 or 1, lists of words are separated by blanks, other lists are JSON.

CREATE TABLE ts_head (
  one BIGINT PRIMARY KEY CHECK (one = 1),
  epoch BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  chain BYTEA NOT NULL CHECK (length(chain) = 16),
  ack_epoch BIGINT NOT NULL,
  ack_seq BIGINT NOT NULL,
  tail_epoch BIGINT NOT NULL,
  tail_seq BIGINT NOT NULL,
  tail_chain BYTEA NOT NULL CHECK (length(tail_chain) = 16),
  keys_version BIGINT NOT NULL,
  staleness TEXT NOT NULL
);

CREATE TABLE ts_log (
  epoch BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  kind BIGINT NOT NULL,
  name TEXT NOT NULL,
  appended_at BIGINT NOT NULL,
  chain BYTEA NOT NULL CHECK (length(chain) = 16),
  PRIMARY KEY (epoch, seq)
);

CREATE TABLE ts_cut (
  kind BIGINT NOT NULL,
  name TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (kind, name)
);

CREATE TABLE ts_session (
  sid TEXT PRIMARY KEY,
  version BIGINT NOT NULL,
  principal TEXT NOT NULL,
  holder BIGINT NOT NULL,
  client TEXT,
  cookie BYTEA CHECK (length(cookie) = 32),
  previous BYTEA CHECK (length(previous) = 32),
  previous_until BIGINT NOT NULL,
  previous_level BIGINT NOT NULL,
  generation BIGINT NOT NULL,
  master_version BIGINT NOT NULL,
  rotated_at BIGINT NOT NULL,
  opened_from TEXT,
  bound BIGINT NOT NULL,
  scopes TEXT NOT NULL,
  resources TEXT NOT NULL,
  authentications TEXT NOT NULL,
  born_epoch BIGINT NOT NULL,
  born_seq BIGINT NOT NULL,
  opened_at BIGINT NOT NULL,
  active_at BIGINT NOT NULL,
  idle_lifetime BIGINT NOT NULL,
  absolute_lifetime BIGINT NOT NULL,
  hard_end_at BIGINT NOT NULL,
  label TEXT NOT NULL,
  ended_at BIGINT,
  ended_because TEXT,
  ended_epoch BIGINT,
  ended_seq BIGINT
);

CREATE INDEX ts_session_principal ON ts_session (principal);

CREATE INDEX ts_session_opened_from ON ts_session (opened_from) WHERE opened_from IS NOT NULL;

CREATE INDEX ts_session_cookie ON ts_session (cookie) WHERE cookie IS NOT NULL;

CREATE INDEX ts_session_previous ON ts_session (previous) WHERE previous IS NOT NULL;

CREATE INDEX ts_session_service ON ts_session (client) WHERE holder = 3 AND ended_at IS NULL;

CREATE INDEX ts_session_hard_end ON ts_session (hard_end_at);

CREATE TABLE ts_account (
  id TEXT PRIMARY KEY,
  version BIGINT NOT NULL,
  email TEXT NOT NULL,
  identifier TEXT NOT NULL UNIQUE,
  password_hash TEXT,
  permissions TEXT NOT NULL,
  enabled BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  password_changed_at BIGINT NOT NULL
);

CREATE TABLE ts_client (
  id TEXT PRIMARY KEY,
  version BIGINT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  first_party BIGINT NOT NULL,
  enabled BIGINT NOT NULL,
  secrets BYTEA NOT NULL,
  redirect_uris TEXT NOT NULL,
  post_logout_redirect_uris TEXT NOT NULL,
  scopes TEXT NOT NULL,
  audiences TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE ts_key (
  kid TEXT PRIMARY KEY,
  ordinal BIGINT NOT NULL,
  algorithm TEXT NOT NULL,
  public BYTEA NOT NULL,
  sealed BYTEA NOT NULL,
  state TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  announced_at BIGINT NOT NULL,
  active_at BIGINT,
  retiring_at BIGINT,
  retired_at BIGINT,
  revoked_at BIGINT
);

CREATE TABLE ts_verifier (
  id TEXT PRIMARY KEY,
  registered BIGINT NOT NULL,
  doubted BIGINT NOT NULL,
  acked_epoch BIGINT NOT NULL,
  acked_seq BIGINT NOT NULL
);

CREATE TABLE ts_attempt (
  name TEXT PRIMARY KEY,
  failures BIGINT NOT NULL,
  last_at BIGINT NOT NULL
);

CREATE INDEX ts_attempt_last ON ts_attempt (last_at);

CREATE TABLE ts_setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
