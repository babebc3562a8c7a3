"""Combinations that no server starts with: pure checks over settings and facts, each with the fix in its finding.

`serve` refuses to start on any finding; `doctor` prints them. A check is a function of settings and facts that gives what
is wrong, or nothing, and one row of the table at the end. None of them quotes a secret.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from tallystick.core.keys.encoding import encode
from tallystick.errors import Misconfigured
from tallystick.proxies import network_named
from tallystick.server.facts import Facts, FileFact
from tallystick.server.settings import Settings

SHARED_SUFFIXES = frozenset({
    "appspot.com", "azurewebsites.net", "cloudfront.net", "co.jp", "co.nz", "co.uk", "com.au", "com.br", "firebaseapp.com",
    "fly.dev", "github.io", "gitlab.io", "herokuapp.com", "netlify.app", "ngrok.io", "onrender.com", "org.uk", "pages.dev",
    "railway.app", "vercel.app", "web.app", "workers.dev",
})  # fmt: skip
"""Names under which strangers have hosts; the best known of the public suffix list. One without a dot always is one."""
SAMPLE_WORDS = ("", "test", "secret", "password", "changeme", "change-me", "tallystick", "admin", "hello", "pepper")
SAMPLES = frozenset(
    {hashlib.sha256(word.encode()).digest() for word in SAMPLE_WORDS}
    | {bytes((start + step * number) % 256 for number in range(32)) for start in range(256) for step in (1, -1)}
)
"""Keys of 32 bytes that people take from examples: digests of a word, and counting up or down."""
SAMPLE_LINES = frozenset(
    hashlib.sha256(f"v{version}:{encode(key)}".encode()).hexdigest() for version in (1, 2) for key in SAMPLES
)
"""SHA-256 of the lines of a root key file that such keys give."""
_RANDOM_BYTES_MIN = 16


class Finding(NamedTuple):
    """A combination that must not serve.

    Args:
        id: stable, such as `http.public`.
        sentence: what is wrong.
        fix: what to do about it.
    """

    id: str
    sentence: str
    fix: str


class Said(NamedTuple):
    """What a check says.

    Args:
        sentence: what is wrong.
        fix: what to do about it.
    """

    sentence: str
    fix: str


Check = Callable[[Settings, Facts], Iterator[Said]]


def findings(settings: Settings, facts: Facts) -> tuple[Finding, ...]:
    """Gives everything that is unsafe, in the order of the table; nothing if all is well."""
    return tuple(
        Finding(name, said.sentence, said.fix) for name, check in CHECKS.items() for said in check(settings, facts)
    )


def refuse(settings: Settings, facts: Facts) -> None:
    """Raises Misconfigured with every finding and its fix, if there is any."""
    found = findings(settings, facts)
    if found:
        raise Misconfigured("; ".join(f"{one.sentence}: {one.fix} [{one.id}]" for one in found))


def is_loopback(host: str) -> bool:
    """Tells whether an address to listen on, or a host, is reachable from this machine only."""
    name = host.strip("[]").lower()
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


# ── listening ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _public_http(settings: Settings, facts: Facts) -> Iterator[Said]:
    if not facts.listens or settings.tls_cert is not None or is_loopback(settings.host):
        return
    if facts.issuer.startswith("http://"):
        yield Said(
            f"plain http would be served on {settings.host}, which other machines reach",
            "give --tls-cert and --tls-key, or listen on 127.0.0.1",
        )
    elif not settings.trusted_proxies:
        yield Said(
            f"the issuer is https, but plain http would be served on {settings.host} and no proxy is listed",
            "give --tls-cert and --tls-key, or list the addresses of the TLS proxy in trusted_proxies",
        )


def _half_tls(settings: Settings, facts: Facts) -> Iterator[Said]:
    if (settings.tls_cert is None) != (settings.tls_key is None):
        missing = "tls_key" if settings.tls_key is None else "tls_cert"
        yield Said("a certificate and its key belong together", f"give {missing} too")


def _tls_under_http(settings: Settings, facts: Facts) -> Iterator[Said]:
    if settings.tls_cert is not None and facts.issuer.startswith("http://"):
        yield Said(
            f"TLS is served, but the issuer is {facts.issuer}, so its cookies would not be Secure",
            "begin the issuer with https://",
        )


def _wide_proxies(settings: Settings, facts: Facts) -> Iterator[Said]:
    for entry in settings.trusted_proxies:
        try:
            network_named(entry)
        except Misconfigured as error:
            sentence, _, fix = error.detail.partition(": ")
            yield Said(sentence, fix or "list addresses such as 10.0.0.7 or networks such as 10.1.0.0/16")


# ── issuer and cookies ───────────────────────────────────────────────────────────────────────────────────────────────


def _shared_host(settings: Settings, facts: Facts) -> Iterator[Said]:
    host = urlsplit(facts.issuer).hostname or ""
    if is_loopback(host):
        return
    if (host.rstrip(".") in SHARED_SUFFIXES or "." not in host.strip(".")) and ":" not in host:
        yield Said(
            f"the issuer's host {host} is a public suffix, under which browsers keep no cookie apart",
            "use a host of your own below it, such as auth.example.org",
        )


def _address_as_host(settings: Settings, facts: Facts) -> Iterator[Said]:
    host = urlsplit(facts.issuer).hostname or ""
    try:
        numeric = not ip_address(host).is_loopback
    except ValueError:
        # Browsers read 2130706433 and 0x7f.1 as addresses too.
        last = host.rstrip(".").rpartition(".")[2]
        numeric = last.isdigit() or last.startswith("0x")
    if numeric:
        yield Said(
            f"the issuer's host {host} is an address, for which there are no passkeys and whose owner may change",
            "use a name",
        )


def _issuer_spelling(settings: Settings, facts: Facts) -> Iterator[Said]:
    parts = urlsplit(facts.issuer)
    if parts.netloc != parts.netloc.lower() or parts.netloc.endswith(".") or (parts.hostname or "").endswith("."):
        yield Said(
            f"the issuer {facts.issuer} is not spelled as browsers spell it, and it is compared as it is",
            "write its host in lower case and without a dot at its end",
        )
    if f":{parts.port}" in (":443" if parts.scheme == "https" else ":80",):
        yield Said(f"the issuer {facts.issuer} names the port that its scheme implies", "leave out the port")


def _issuer_path(settings: Settings, facts: Facts) -> Iterator[Said]:
    path = urlsplit(facts.issuer).path
    steps = path.split("/")[1:]
    if any(step in ("", ".", "..") for step in steps) or set(path) & set("%;\\ *\"'<>"):
        yield Said(
            f"the path of the issuer {facts.issuer} can be spelled in more than one way",
            "use plain words between single slashes, such as https://example.org/auth",
        )


def _origins(settings: Settings, facts: Facts) -> Iterator[Said]:
    for origin in settings.trusted_origins:
        parts = urlsplit(origin)
        if "*" in origin or origin.lower() in ("null", "any", "all"):
            yield Said(
                f"the trusted origin {origin} stands for pages of strangers",
                "list each origin by its name, such as https://app.example.org",
            )
        elif parts.scheme not in ("http", "https") or not parts.hostname or origin != origin.lower():
            yield Said(f"the trusted origin {origin} is none", "write it as browsers do: https://app.example.org")
        elif parts.path or parts.query or parts.fragment or parts.username is not None:
            yield Said(
                f"the trusted origin {origin} is more than an origin, so it would never match",
                f"write {parts.scheme}://{parts.netloc.rpartition('@')[2]}",
            )
        elif parts.scheme == "http" and (facts.issuer.startswith("https://") or not is_loopback(parts.hostname)):
            yield Said(
                f"the trusted origin {origin} is plain http, so anybody on the way to it may act for who is signed in",
                "serve it over https, or take it out of trusted_origins",
            )


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _sample_pepper(settings: Settings, facts: Facts) -> Iterator[Said]:
    pepper = settings.pepper_bytes
    if pepper is None:
        return
    if pepper in SAMPLES or len(set(pepper)) < _RANDOM_BYTES_MIN:
        yield Said(
            "the pepper is an example or was typed by hand",
            "make one: python3 -c 'import secrets; print(secrets.token_hex(32))'",
        )


def _sample_root_key(settings: Settings, facts: Facts) -> Iterator[Said]:
    if facts.root_key.digests & SAMPLE_LINES:
        yield Said(
            f"the root key in {facts.root_key.path} is an example that many know",
            "delete the file before the first start, and the server makes a new one",
        )


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _open_secret(file: FileFact | None, what: str) -> Iterator[Said]:
    if file is not None and file.exists and (file.others_read or file.others_write):
        yield Said(f"{what} {file.path} is open to others", f"chmod 600 {file.path}")


def _root_key_open(settings: Settings, facts: Facts) -> Iterator[Said]:
    yield from _open_secret(facts.root_key, "the root key file")


def _tls_key_open(settings: Settings, facts: Facts) -> Iterator[Said]:
    yield from _open_secret(facts.tls_key, "the TLS key file")


def _database_open(settings: Settings, facts: Facts) -> Iterator[Said]:
    file = facts.database
    if file is not None and file.exists and (file.others_read or file.anybody_writes):
        yield Said(f"the database {file.path} is open to others", f"chmod 600 {file.path}*")


def _folder_writable(settings: Settings, facts: Facts) -> Iterator[Said]:
    folder = facts.folder
    if folder is not None and folder.anybody_writes:
        yield Said(
            f"everybody may write the folder {folder.path}, and so put another database in the place of this one",
            f"chmod 700 {folder.path}, or move the database to a folder of its own",
        )


def _workers_on_memory(settings: Settings, facts: Facts) -> Iterator[Said]:
    if settings.workers > 1 and settings.store.startswith("memory:"):
        yield Said(
            f"{settings.workers} workers would each have a memory of their own, and no ending would reach the others",
            "use --workers 1, or a store that they share, such as sqlite:///.tallystick/tallystick.db",
        )


CHECKS: dict[str, Check] = {
    "http.public": _public_http,
    "tls.half": _half_tls,
    "tls.http_issuer": _tls_under_http,
    "proxies.wide": _wide_proxies,
    "issuer.shared_host": _shared_host,
    "issuer.address": _address_as_host,
    "issuer.spelling": _issuer_spelling,
    "issuer.path": _issuer_path,
    "origins.unsafe": _origins,
    "pepper.sample": _sample_pepper,
    "root_key.sample": _sample_root_key,
    "root_key.open": _root_key_open,
    "tls_key.open": _tls_key_open,
    "database.open": _database_open,
    "database.folder": _folder_writable,
    "workers.memory": _workers_on_memory,
}
"""Id → check. Ids are stable: `doctor` prints them and documentation refers to them."""
