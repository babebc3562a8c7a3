"""The statements of the log, of sessions and of what they rest on: one text for SQLite and PostgreSQL.

The rules of the shared text: BIGINT, BYTEA and TEXT only; flags are 0 and 1; bytes come as parameters; ON CONFLICT,
RETURNING and row values are fine; no FOR UPDATE, no boolean, no function that only one engine has.
"""

# ruff: noqa: S608  (only the constants of this room are put together here; values come as `$n`)

from __future__ import annotations

from tallystick.core.revocation.entry import Kind
from tallystick.stores.sql.rows import ACCOUNT, CLIENT, ENTRY, KEY, SERVICE, SESSION
from tallystick.stores.sql.text import assignments, columns, placeholders

_PRINCIPAL, _CLIENT, _ALL = int(Kind.PRINCIPAL), int(Kind.CLIENT), int(Kind.ALL)
_ENTRY = columns(ENTRY)

# ── head and log ─────────────────────────────────────────────────────────────────────────────────────────────────────

HEAD = "SELECT epoch, seq FROM ts_head WHERE one = 1"
HEAD_WHOLE = (
    "SELECT epoch, seq, chain, ack_epoch, ack_seq, tail_epoch, tail_seq, tail_chain, staleness"
    " FROM ts_head WHERE one = 1"
)
BEGIN_HEAD = (
    "INSERT INTO ts_head (one, epoch, seq, chain, ack_epoch, ack_seq, tail_epoch, tail_seq, tail_chain, keys_version,"
    " staleness) VALUES (1, $1, 0, $2, 0, 0, $1, 0, $2, 0, $3)"
)
TAKE_POSITIONS = "UPDATE ts_head SET seq = seq + $1 WHERE one = 1 RETURNING epoch, seq, chain"
SET_CHAIN = "UPDATE ts_head SET chain = $1 WHERE one = 1"
WANT_ACKS = (
    "UPDATE ts_head SET ack_epoch = $1, ack_seq = $2 WHERE one = 1 AND (ack_epoch, ack_seq) < ($1, $2)"
    " AND (epoch, seq) >= ($1, $2)"
)
NEW_EPOCH = (
    "UPDATE ts_head SET epoch = $1, seq = 0, chain = $2, ack_epoch = 0, ack_seq = 0, tail_epoch = $1, tail_seq = 0,"
    " tail_chain = $2 WHERE one = 1"
)
INSERT_ENTRY = f"INSERT INTO ts_log ({_ENTRY}) VALUES ({placeholders(len(ENTRY))})"
UPSERT_CUT = (
    "INSERT INTO ts_cut (kind, name, epoch, seq) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (kind, name) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq"
)
ENTRIES_AFTER = f"SELECT {_ENTRY} FROM ts_log WHERE (epoch, seq) > ($1, $2) ORDER BY epoch, seq LIMIT $3"
CHAIN_AT = "SELECT chain FROM ts_log WHERE epoch = $1 AND seq = $2"
BEAT = (
    "SELECT h.epoch, h.seq, h.chain, h.ack_epoch, h.ack_seq, h.tail_epoch, h.tail_seq, h.tail_chain, l.chain, v.doubted"
    " FROM ts_head h LEFT JOIN ts_log l ON l.epoch = $1 AND l.seq = $2 LEFT JOIN ts_verifier v ON v.id = $3"
    " WHERE h.one = 1"
)

# ── who follows the log ──────────────────────────────────────────────────────────────────────────────────────────────

REGISTER = (
    "INSERT INTO ts_verifier (id, registered, doubted, acked_epoch, acked_seq) VALUES ($1, 1, 0, 0, 0)"
    " ON CONFLICT (id) DO UPDATE SET registered = ts_verifier.registered + 1, doubted = 0"
)
DEREGISTER = "DELETE FROM ts_verifier WHERE id = $1"
VERIFIERS = "SELECT id, registered, doubted, acked_epoch, acked_seq FROM ts_verifier ORDER BY id"
VERIFIER = "SELECT id FROM ts_verifier WHERE id = $1"
ACK = "UPDATE ts_verifier SET acked_epoch = $2, acked_seq = $3 WHERE id = $1 AND (acked_epoch, acked_seq) < ($2, $3)"
DOUBT = "UPDATE ts_verifier SET doubted = 1 WHERE id = $1"
DOUBT_ALL = "UPDATE ts_verifier SET doubted = 1"
REMOVE_DOUBTED = "DELETE FROM ts_verifier WHERE id = $1 AND registered = $2 AND doubted = 1 RETURNING id"

# ── facts: the position first, the rows next, the cuts last, all in one statement and so in one snapshot ─────────────

_FACTS = (
    f"SELECT h.epoch, h.seq, {columns(SESSION, 's')}, {columns(SESSION, 'o')}, {columns(ACCOUNT, 'a')},"
    f" {columns(CLIENT, 'c')}, pc.epoch, pc.seq, cc.epoch, cc.seq, ac.epoch, ac.seq FROM ts_head h"
    " LEFT JOIN ts_session s ON {session}"
    " LEFT JOIN ts_session o ON o.sid = s.opened_from"
    " LEFT JOIN ts_account a ON a.id = s.principal"
    " LEFT JOIN ts_client c ON c.id = s.client"
    f" LEFT JOIN ts_cut pc ON pc.kind = {_PRINCIPAL} AND pc.name = s.principal"
    f" LEFT JOIN ts_cut cc ON cc.kind = {_CLIENT} AND cc.name = s.client"
    f" LEFT JOIN ts_cut ac ON ac.kind = {_ALL} AND ac.name = ''"
    " WHERE h.one = 1"
)
FACTS_OF_SESSION = _FACTS.format(session="s.sid = $1")
FACTS_OF_COOKIE = _FACTS.format(
    session="s.sid = (SELECT sid FROM ts_session WHERE cookie = $1 UNION ALL"
    " SELECT sid FROM ts_session WHERE previous = $1 LIMIT 1)"
)
_FACTS_OF_ACCOUNT = (
    f"SELECT h.epoch, h.seq, {columns(ACCOUNT, 'a')}, {columns(CLIENT, 'c')},"
    " pc.epoch, pc.seq, cc.epoch, cc.seq, ac.epoch, ac.seq FROM ts_head h"
    " LEFT JOIN ts_account a ON {account} = $1"
    " LEFT JOIN ts_client c ON c.id = $2"
    f" LEFT JOIN ts_cut pc ON pc.kind = {_PRINCIPAL} AND pc.name = a.id"
    f" LEFT JOIN ts_cut cc ON cc.kind = {_CLIENT} AND cc.name = $2"
    f" LEFT JOIN ts_cut ac ON ac.kind = {_ALL} AND ac.name = ''"
    " WHERE h.one = 1"
)
FACTS_OF_ACCOUNT_BY_ID = _FACTS_OF_ACCOUNT.format(account="a.id")
FACTS_OF_ACCOUNT_BY_IDENTIFIER = _FACTS_OF_ACCOUNT.format(account="a.identifier")
FACTS_OF_CLIENT = (
    f"SELECT h.epoch, h.seq, {columns(SESSION, 's')}, {columns(CLIENT, 'c')},"
    " pc.epoch, pc.seq, cc.epoch, cc.seq, ac.epoch, ac.seq FROM ts_head h"
    " LEFT JOIN ts_client c ON c.id = $1"
    " LEFT JOIN ts_session s ON s.sid = (SELECT sid FROM ts_session"
    f" WHERE client = $1 AND holder = {SERVICE} AND ended_at IS NULL"
    " ORDER BY born_epoch DESC, born_seq DESC, opened_at DESC, sid LIMIT 1)"
    f" LEFT JOIN ts_cut pc ON pc.kind = {_PRINCIPAL} AND pc.name = $1"
    f" LEFT JOIN ts_cut cc ON cc.kind = {_CLIENT} AND cc.name = $1"
    f" LEFT JOIN ts_cut ac ON ac.kind = {_ALL} AND ac.name = ''"
    " WHERE h.one = 1"
)
VIEW_OF_COOKIE = (
    "SELECT h.epoch, h.seq, s.sid, s.principal, s.cookie, s.previous_until, s.previous_level, s.authentications,"
    " s.born_epoch, s.born_seq, s.opened_at, s.active_at, s.idle_lifetime, s.absolute_lifetime, s.ended_at,"
    " a.permissions, a.enabled, pc.epoch, pc.seq, ac.epoch, ac.seq FROM ts_head h"
    " LEFT JOIN ts_session s ON s.sid = (SELECT sid FROM ts_session WHERE cookie = $1 UNION ALL"
    " SELECT sid FROM ts_session WHERE previous = $1 LIMIT 1)"
    " LEFT JOIN ts_account a ON a.id = s.principal"
    f" LEFT JOIN ts_cut pc ON pc.kind = {_PRINCIPAL} AND pc.name = s.principal"
    f" LEFT JOIN ts_cut ac ON ac.kind = {_ALL} AND ac.name = ''"
    " WHERE h.one = 1"
)

# ── sessions ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_WRITTEN = (*SESSION[: SESSION.index("label")], "hard_end_at", "label", "network")
_MOVED_APP = (
    "generation", "master_version", "rotated_at", "scopes", "resources", "authentications", "born_epoch", "born_seq",
)  # fmt: skip
_MOVED_BROWSER = (
    "cookie", "previous", "previous_until", "previous_level", "scopes", "resources", "authentications", "born_epoch",
    "born_seq", "opened_at", "idle_lifetime", "absolute_lifetime", "hard_end_at", "label",
    "network",
)  # fmt: skip
_NO_CUT_SINCE = (
    "NOT EXISTS (SELECT 1 FROM ts_cut k WHERE (k.epoch, k.seq) > ({born})"
    f" AND ((k.kind = {_PRINCIPAL} AND k.name = {{principal}}) OR (k.kind = {_CLIENT} AND k.name = {{client}})"
    f" OR (k.kind = {_ALL} AND k.name = '')))"
)
_STANDS = "ended_at IS NULL AND " + _NO_CUT_SINCE.format(
    born="ts_session.born_epoch, ts_session.born_seq", principal="ts_session.principal", client="ts_session.client"
)
HEAD_AND_CUTS = (
    "SELECT h.epoch, h.seq, (SELECT count(*) FROM ts_cut WHERE (epoch, seq) > ($1, $2)"
    f" AND ((kind = {_PRINCIPAL} AND name = $3) OR (kind = {_CLIENT} AND name = $4) OR (kind = {_ALL} AND name = '')))"
    " FROM ts_head h WHERE h.one = 1"
)
INSERT_SESSION = (
    f"INSERT INTO ts_session ({columns(_WRITTEN)}) VALUES ({placeholders(len(_WRITTEN))})"
    " ON CONFLICT (sid) DO NOTHING RETURNING sid"
)
RAISE_VERSION = (
    "UPDATE ts_session SET version = version + 1 WHERE sid = $1 AND version = $2 AND ended_at IS NULL RETURNING sid"
)
LIVE_SERVICE = (
    f"SELECT sid FROM ts_session WHERE client = $1 AND holder = {SERVICE} AND {_STANDS}"
    " AND $2 < hard_end_at AND $2 < active_at + idle_lifetime LIMIT 1"
)


def _update(moved: tuple[str, ...]) -> str:
    # $1 sid, $2 version, $3 the last use, which never goes back; then what moves.
    return (
        "UPDATE ts_session SET version = version + 1,"
        f" active_at = CASE WHEN active_at < $3 THEN $3 ELSE active_at END, {assignments(moved, 4)}"
        " WHERE sid = $1 AND version = $2 AND ended_at IS NULL RETURNING active_at"
    )


UPDATE_APP = _update(_MOVED_APP)
UPDATE_BROWSER = _update(_MOVED_BROWSER)
END_SESSION = (
    "UPDATE ts_session SET version = version + 1, ended_at = $2, ended_because = $3"
    " WHERE sid = $1 AND ended_at IS NULL RETURNING sid"
)
ENDING_OF = "SELECT ended_epoch, ended_seq FROM ts_session WHERE sid = $1 AND ended_at IS NOT NULL"
END_OPENED_FROM = (
    "UPDATE ts_session SET version = version + 1, ended_at = $2, ended_because = 'opener ended'"
    " WHERE opened_from = $1 AND (bound = 1 OR $3 = 1) AND ended_at IS NULL RETURNING sid"
)
PLACE_ENDING = "UPDATE ts_session SET ended_epoch = $2, ended_seq = $3 WHERE sid = $1"
SET_BORN = "UPDATE ts_session SET born_epoch = $2, born_seq = $3 WHERE sid = $1"
SESSIONS_OF = (
    f"SELECT {columns(SESSION)} FROM ts_session WHERE principal = $1 AND {_STANDS}"
    " ORDER BY opened_at DESC, sid LIMIT $2"
)
SESSIONS_OPENED_FROM = f"SELECT {columns(SESSION)} FROM ts_session WHERE opened_from = $1 AND {_STANDS} ORDER BY sid"
TOUCH = "UPDATE ts_session SET active_at = $2 WHERE sid = $1 AND active_at < $2 AND ended_at IS NULL"

# ── accounts, clients, keys ──────────────────────────────────────────────────────────────────────────────────────────

INSERT_ACCOUNT = (
    f"INSERT INTO ts_account ({columns(ACCOUNT)}) VALUES ({placeholders(len(ACCOUNT))})"
    " ON CONFLICT DO NOTHING RETURNING id"
)
UPDATE_ACCOUNT = (
    f"UPDATE ts_account SET {assignments(ACCOUNT[1:], 2)} WHERE id = $1 AND version = $2 - 1"
    " AND NOT EXISTS (SELECT 1 FROM ts_account o WHERE o.identifier = $4 AND o.id <> $1) RETURNING id"
)
ACCOUNT_VERSION = "SELECT version FROM ts_account WHERE id = $1"
ACCOUNTS = f"SELECT {columns(ACCOUNT)} FROM ts_account WHERE identifier > $1 ORDER BY identifier LIMIT $2"
INSERT_CLIENT = (
    f"INSERT INTO ts_client ({columns(CLIENT)}) VALUES ({placeholders(len(CLIENT))})"
    " ON CONFLICT DO NOTHING RETURNING id"
)
UPDATE_CLIENT = f"UPDATE ts_client SET {assignments(CLIENT[1:], 2)} WHERE id = $1 AND version = $2 - 1 RETURNING id"
CLIENTS = f"SELECT {columns(CLIENT)} FROM ts_client WHERE id > $1 ORDER BY id LIMIT $2"
AUDIENCES = "SELECT audiences FROM ts_client WHERE enabled = 1 AND audiences <> '[]'"
KEYS_VERSION = "SELECT keys_version FROM ts_head WHERE one = 1"
RAISE_KEYS_VERSION = (
    "UPDATE ts_head SET keys_version = keys_version + 1 WHERE one = 1 AND keys_version = $1 RETURNING keys_version"
)
DELETE_KEYS = "DELETE FROM ts_key"
INSERT_KEY = f"INSERT INTO ts_key ({columns(KEY)}, ordinal) VALUES ({placeholders(len(KEY) + 1)})"
KEYS = f"SELECT {columns(KEY)} FROM ts_key ORDER BY ordinal"

# ── attempts and settings ────────────────────────────────────────────────────────────────────────────────────────────

ATTEMPTS = "SELECT failures, last_at FROM ts_attempt WHERE name = $1"
PUT_ATTEMPTS = (
    "INSERT INTO ts_attempt (name, failures, last_at) VALUES ($1, $2, $3)"
    " ON CONFLICT (name) DO UPDATE SET failures = excluded.failures, last_at = excluded.last_at"
)
SETTING = "SELECT value FROM ts_setting WHERE name = $1"
PUT_SETTING = (
    "INSERT INTO ts_setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)

# ── sweeping ─────────────────────────────────────────────────────────────────────────────────────────────────────────

OLD_SESSIONS = "SELECT sid FROM ts_session WHERE hard_end_at < $1 ORDER BY hard_end_at LIMIT $2"
DELETE_SESSION = "DELETE FROM ts_session WHERE sid = $1 RETURNING sid"
DELETE_BOUND = "DELETE FROM ts_session WHERE opened_from = $1 AND bound = 1 RETURNING sid"
OLDEST_ENTRIES = f"SELECT {_ENTRY} FROM ts_log WHERE kind <> {int(Kind.KEY)} ORDER BY epoch, seq LIMIT $1"
DELETE_ENTRIES = f"DELETE FROM ts_log WHERE (epoch, seq) <= ($1, $2) AND kind <> {int(Kind.KEY)}"
RAISE_TAIL = (
    "UPDATE ts_head SET tail_epoch = $1, tail_seq = $2, tail_chain = $3"
    " WHERE one = 1 AND (tail_epoch, tail_seq) < ($1, $2)"
)
OLD_ATTEMPTS = (
    "DELETE FROM ts_attempt WHERE name IN (SELECT name FROM ts_attempt"
    " WHERE last_at < $1 AND last_at + failures * $2 < $1 LIMIT $3) RETURNING name"
)
