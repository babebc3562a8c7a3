"""The mistakes that the doctor knows, each told once: its severity, why it hurts, and what helps in general.

The page docs/reference/doctor.md is written from this table.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]
PAGE = "docs/reference/doctor.md"
UNSAFE_ANCHOR = "what-the-server-refuses-to-start-with"
"""Where the page tells of the combinations of `tallystick.server.unsafe`."""


class Mistake(NamedTuple):
    """A mistake.

    Args:
        severity: `error` if something does not work or is not safe.
        why: one sentence: what is wrong and what comes of it.
        fix: a command or a setting that helps in general.
    """

    severity: Severity
    why: str
    fix: str


MISTAKES: dict[str, Mistake] = {
    # ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────
    "settings_unusable": Mistake(
        "error", "The settings cannot be read, so the server does not start.", "tallystick config explain"
    ),
    "setting_unknown": Mistake(
        "error",
        "An environment variable begins with TALLYSTICK_ and names no setting, so what it says is not heard.",
        "Rename or unset the variable.",
    ),
    "settings_file_open": Mistake(
        "error",
        "The settings file holds a secret and others of this host may read it.",
        "chmod 600 tallystick.toml, or move the secret into a file that TALLYSTICK_<NAME>_FILE names.",
    ),
    "workers_without_log": Mistake(
        "error",
        "Processes that serve one issuer do not share a log, so what ends in one of them lives on in the others.",
        "Give all of them one `store`; memory:// is for one process.",
    ),
    # ── issuer and cookies ───────────────────────────────────────────────────────────────────────────────────────
    "issuer_differs": Mistake(
        "error",
        "The server calls itself otherwise than the URL it is visited under, so clients refuse its tokens and metadata.",
        "Set `issuer` to the URL that people visit.",
    ),
    "issuer_recorded_differs": Mistake(
        "error",
        "The store was first served under another issuer than the settings name, so the server refuses to start on it.",
        "Set `issuer` to the recorded one, or use another store.",
    ),
    "issuer_plain_http": Mistake(
        "error",
        "The issuer is http on a name that is not localhost: browsers refuse the session cookie and anybody between reads it.",
        "Serve https (`tallystick serve --tls-cert … --tls-key …`, or a proxy) and set `issuer` to the https URL.",
    ),
    "http_behind_tls": Mistake(
        "error",
        "Visitors come by https, through a proxy, but the issuer says http: cookies lack Secure, clients refuse the metadata.",
        "Set `issuer` to the https URL that the proxy serves.",
    ),
    "metadata_disagree": Mistake(
        "error",
        "An issuer with a path has its metadata at two places; one is missing or says something else than the other.",
        "Let the proxy or the app pass `/.well-known/oauth-authorization-server/<path>` on to the server too.",
    ),
    "cookie_two_hosts": Mistake(
        "error",
        "The server is visited under a second host, and a session cookie of one host is never sent to the other.",
        "Redirect one host to the other, and visit the one that `issuer` names.",
    ),
    "cookie_other_site": Mistake(
        "error",
        "A trusted origin lies on another site than the issuer: browsers do not send it the SameSite=Lax session cookie.",
        "Serve the app on the issuer's site, or let it sign in as a client of its own (`tallystick client create`).",
    ),
    "cookie_changed": Mistake(
        "error",
        "Something between changes the cookies that the server sets, so browsers refuse the `__Host-` name or lose protection.",
        "Take proxy_cookie_path, proxy_cookie_domain and proxy_cookie_flags out of the proxy.",
    ),
    # ── proxy ────────────────────────────────────────────────────────────────────────────────────────────────────
    "forwarded_missing": Mistake(
        "error",
        "A proxy does not say for whom it asks, so all people share one address: one guesser throttles everybody.",
        "Let the proxy set X-Forwarded-For and X-Forwarded-Proto (deploy/ has samples), and list it in the settings.",
    ),
    "forwarded_not_believed": Mistake(
        "error",
        "The proxy says for whom it asks, but it is not listed, so its word is not taken and all people share one address.",
        "List the address of the proxy in `trusted_proxies`.",
    ),
    "forwarded_spoofable": Mistake(
        "error",
        "Whoever writes an X-Forwarded-For chooses which address the server sees, and so escapes every throttle.",
        "Let the proxy replace the header instead of passing it on, and list only proxies in `trusted_proxies`.",
    ),
    "proto_wrong": Mistake(
        "error",
        "The proxy says that a visitor who came by https came by http; a server that believes the proxy refuses that.",
        "Let the proxy that ends TLS set X-Forwarded-Proto to https, and those behind it leave it alone.",
    ),
    "host_not_passed": Mistake(
        "error",
        "The proxy asks under another Host than the visited one, and the server serves only the issuer's.",
        "Let the proxy pass the Host header on (nginx: proxy_set_header Host $host).",
    ),
    "headers_lost": Mistake(
        "error",
        "Something between takes request headers away that decide who asks and from where.",
        "Let the proxy pass Cookie, Authorization, Origin, Sec-Fetch-Site and X-CSRF-Token on.",
    ),
    "headers_stripped": Mistake(
        "warning",
        "Something between takes protecting headers out of the answers, such as HSTS or the content security policy.",
        "Let the proxy leave the headers of the answers alone.",
    ),
    "answers_cached": Mistake(
        "error",
        "Something between may store answers that are for one person only: their Cache-Control is gone or changed.",
        "Let the proxy or CDN honour Cache-Control: no-store.",
    ),
    "jwks_cached_longer": Mistake(
        "error",
        "The key set may be cached for longer than a key is announced before it signs: fresh tokens will be refused.",
        "Let the proxy or CDN honour the Cache-Control of the key set.",
    ),
    "jwks_stale": Mistake(
        "error",
        "The key set that is served is not the server's: a cache or another server answers for it.",
        "Purge the cache in front of the server, and let it honour Cache-Control.",
    ),
    "metrics_open": Mistake(
        "error",
        "Anybody may read the metrics: they tell how many people sign in, and how often it fails.",
        "Do not pass /metrics on in the proxy, or set a token for it.",
    ),
    # ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────
    "tls_expiring": Mistake("error", "The TLS certificate has expired or is about to.", "Renew the certificate."),
    "tls_other_host": Mistake(
        "error",
        "The TLS certificate is for another host than the visited one, so browsers refuse it.",
        "Get a certificate for the issuer's host.",
    ),
    "tls_untrusted": Mistake(
        "error",
        "The TLS certificate does not lead to an authority that this host trusts.",
        "Serve the whole chain (fullchain.pem), or install your own authority on the clients.",
    ),
    # ── clock ────────────────────────────────────────────────────────────────────────────────────────────────────
    "clock_behind_log": Mistake(
        "error",
        "The log has entries from the future of this host's clock, so the clock is or was wrong.",
        "Set the clock: timedatectl set-ntp true",
    ),
    "clock_differs": Mistake(
        "error",
        "This host and the server do not agree about the time, so tokens look expired or not yet made.",
        "Set both clocks: timedatectl set-ntp true",
    ),
    # ── files ────────────────────────────────────────────────────────────────────────────────────────────────────
    "nothing_here": Mistake(
        "error", "There is no database where the settings say.", "tallystick init, or set `store` to where it is."
    ),
    "root_key_replaceable": Mistake(
        "error",
        "Everybody on this host may put another root key in the place of this one.",
        "chmod 700 the folder of the root key.",
    ),
    "root_key_missing": Mistake(
        "error",
        "There is a database but no root key: the next start would make a new one, which opens nothing of the old.",
        "Put the root key back from where you keep it apart, or set `root_key_file` to where it is.",
    ),
    "root_key_unusable": Mistake(
        "error", "The root key file cannot be used.", "Put the right file back, or let the program make one."
    ),
    "root_key_other": Mistake(
        "error",
        "The root key is not the one that the database was sealed under.",
        "Set `root_key_file` to the key that belongs to this database.",
    ),
    "database_network_fs": Mistake(
        "error",
        "The database lies on a network file system, whose locks do not hold: it will be corrupted.",
        "Move the database to a local disk.",
    ),
    "database_not_writable": Mistake(
        "error",
        "The server cannot write the database, or not beside it, where its -wal file must be.",
        "chown the folder and the files to the user of the server, on a file system that is mounted rw.",
    ),
    "disk_full": Mistake("error", "The disk of the database is full or nearly so.", "Free some space."),
    "disk_filling": Mistake("warning", "The disk of the database is filling up.", "Free some space."),
    "wal_missing": Mistake(
        "error",
        "The database came without the files beside it (-wal, .head), or an older copy was put back: endings are missing.",
        "Restore it with `tallystick restore`; the next start signs everybody out otherwise.",
    ),
    "schema_old": Mistake(
        "warning",
        "The database has the schema of an older version; the next start brings it up to date.",
        "tallystick backup, then start the server of this version once.",
    ),
    "schema_newer": Mistake(
        "error",
        "The database has the schema of a newer version, so this one refuses it.",
        "Install the newer version, or restore a backup from before.",
    ),
    "schema_changed": Mistake(
        "error",
        "A migration of the database is not the one that this version knows under that name.",
        "Install the version that made the database.",
    ),
    "no_administrator": Mistake(
        "warning",
        "No account is an administrator, so nobody can open the pages of administrators.",
        "tallystick account grant EMAIL tallystick:admin",
    ),
    # ── mail ─────────────────────────────────────────────────────────────────────────────────────────────────────
    "mail_unreachable": Mistake(
        "error",
        "The mail server does not answer, so nobody gets a link for their address or password.",
        "Set host and port under `mail`, and let this host reach it.",
    ),
    "mail_security": Mistake(
        "error",
        "The mail server does not speak the security that the settings name.",
        "Set `mail.security` to what the mail server offers.",
    ),
}  # fmt: skip
"""Name → mistake; the id that is printed begins with `doctor.`."""
