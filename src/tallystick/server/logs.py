"""The log of a server: one line for each event on stderr, as text or JSON, with request ids and without secrets.

Theory of operation. The library writes to the standard log and configures nothing; this is where a server does. Every
record, ours or a library's, goes through the same steps: its words are collected, what looks like a credential or stands
under a name that holds one is masked, and a line is made of them in which nothing can end the line or steer a terminal.
No event holds a secret in the first place; the mask is the second lock.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any

import structlog

from tallystick.authority.acting import acting
from tallystick.server.settings import Settings

MASK = "…"
MASKED_NAMES = frozenset(
    {
        "password",
        "secret",
        "client_secret",
        "token",
        "cookie",
        "authorization",
        "recovery_code",
        "totp",
        "pepper",
    }
    | {"access_token", "refresh_token", "id_token", "metrics_token", "csrf", "set-cookie", "pending", "handle"}
)
"""What stands under one of these names is never written."""
_SECRETS = re.compile(
    # Ours begin with ts and a letter; a compact JWS has three parts; the rest are hashes, keys and headers of HTTP.
    r"\bts[a-z]_[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_.-]+)?"
    r"|\bey[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"
    r"|\$(?:argon2\w*|2[abxy]|scrypt|pbkdf2\w*)\$[^\s\"']+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=otpauth:)\S+"
    r"|(?i:(?<=\bbearer )|(?<=\bbasic ))[A-Za-z0-9._~+/=-]{8,}",
    re.DOTALL,
)
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_OURS = ("event", "session", "principal", "client", "facts")
_WORDS_MAX = 8000
Words = MutableMapping[str, Any]


def configure_logging(settings: Settings) -> None:
    """Sends the log to stderr, one line for each event."""
    line = as_json if settings.log_format == "json" else as_text
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, masked, line],
        foreign_pre_chain=[words_of],
        keep_exc_info=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.log_level.upper())
    for noisy in ("uvicorn", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def words_of(logger: Any, method: str, given: Words) -> Words:
    """Collects the words of a record: when, how grave, from where, what, and what it is about."""
    record: logging.LogRecord = given["_record"]
    words: Words = {
        "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
    }
    request = getattr(record, "request", None) or acting().request
    if request:
        words["request"] = request
    facts = getattr(record, "facts", None)
    if isinstance(facts, Mapping):
        about = {name: getattr(record, name, None) for name in _OURS[:-1]}
        words.update({name: word for name, word in about.items() if word is not None})
        words.update(facts)
    else:
        words["message"] = str(given.get("event", ""))
    if record.exc_info:
        words["exception"] = logging.Formatter().formatException(record.exc_info)
        record.exc_info = record.exc_text = None
    return {**{key: value for key, value in given.items() if key.startswith("_")}, **words}


def masked(logger: Any, method: str, words: Words) -> Words:
    """Masks what looks like a secret or stands under the name of one."""
    return {name: MASK if name.lower() in MASKED_NAMES else _without_secrets(word) for name, word in words.items()}


def as_json(logger: Any, method: str, words: Words) -> str:
    """Gives a line of JSON; everything that is not printable ASCII is escaped in it."""
    return json.dumps(words, default=str, ensure_ascii=True)


def as_text(logger: Any, method: str, words: Words) -> str:
    """Gives a line for people: when, how grave, from where, what, then `name=word`."""
    left = dict(words)
    head = [str(left.pop("at", "")), str(left.pop("level", "")).upper(), str(left.pop("logger", ""))]
    what = str(left.pop("message", "") or left.pop("event", ""))
    tail = [f"{name}={_quoted(str(word))}" for name, word in left.items()]
    return _harmless(" ".join([*head, what, *tail]))


def _quoted(word: str) -> str:
    return json.dumps(word, ensure_ascii=False) if not word or re.search(r'[\s"=]', word) else word


def _harmless(line: str) -> str:
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), line)


def _without_secrets(word: Any) -> Any:
    if isinstance(word, str):
        return _SECRETS.sub(MASK, word[:_WORDS_MAX])
    if isinstance(word, Mapping):
        return {
            str(name): MASK if str(name).lower() in MASKED_NAMES else _without_secrets(one)
            for name, one in word.items()
        }
    if isinstance(word, list | tuple | set | frozenset):
        return [_without_secrets(one) for one in word]
    return word if isinstance(word, int | float | None) else _SECRETS.sub(MASK, str(word)[:_WORDS_MAX])
