"""The root key: a small file that is kept apart from the database, and everything that derives from it.

    v1:4vO3…        one key a line: a version (1 to 255), a colon, 32 random bytes in base64url without padding
    v2:Zx81…        the newest version makes, all of them open

Lines that are empty or begin with # are skipped. To change the root key, add a line; take the old one out when
everything that it sealed was made anew. A form of the file that this reader does not know is refused.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tallystick.core.keys.encoding import decode, encode
from tallystick.errors import Misconfigured

KEY_BYTES = 32
FILE_BYTES_MAX = 64 * 1024
_VERSION_MAX = 255
_DISTINCT_BYTES_MIN = 16
"""32 random bytes have fewer distinct ones once in 10¹² keys; texts that people type and repeated bytes always do."""
_OTHERS = stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO
_LINE = re.compile(r"v([1-9][0-9]{0,2}):([A-Za-z0-9_-]+)")


class RootKey:
    """Versioned keys of 32 bytes. It never prints them.

    Args:
        keys: version → key; at least one.

    Raises:
        Misconfigured: there is none, or one is short, twice there, or not random.
    """

    __slots__ = ("_keys",)

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        if not keys:
            raise Misconfigured("the root key file has no key in it")
        for version, key in keys.items():
            if not 1 <= version <= _VERSION_MAX:
                raise Misconfigured(f"version {version} of the root key must lie between 1 and {_VERSION_MAX}")
            if len(key) != KEY_BYTES:
                raise Misconfigured(f"version {version} of the root key has {len(key)} bytes instead of {KEY_BYTES}")
            if len(set(key)) < _DISTINCT_BYTES_MIN or key.isascii():
                raise Misconfigured(f"version {version} of the root key is not random: let the program make one")
        if len(set(keys.values())) != len(keys):
            raise Misconfigured("two versions of the root key are the same key")
        self._keys = MappingProxyType(dict(keys))

    def __repr__(self) -> str:
        return f"RootKey(versions={sorted(self._keys)})"

    def __reduce__(self) -> str:
        raise TypeError("a root key does not pickle")

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions there are, oldest first."""
        return tuple(sorted(self._keys))

    @property
    def newest(self) -> int:
        """The version that new things are made with."""
        return max(self._keys)

    def derive(self, version: int, purpose: str) -> bytes:
        """Derives 32 bytes for one purpose (HKDF with SHA-256, RFC 5869).

        Raises:
            Misconfigured: there is no such version.
        """
        key = self._keys.get(version)
        if key is None:
            raise Misconfigured(f"version {version} of the root key is needed and is not in the file")
        return HKDF(SHA256(), KEY_BYTES, salt=b"tallystick", info=purpose.encode()).derive(key)

    @classmethod
    def load(cls, path: Path) -> RootKey:
        """Reads a root key file.

        Raises:
            Misconfigured: it is missing, unreadable, open to others, or malformed; the message never quotes it.
        """
        return cls(_parse(_read(path), path))

    @classmethod
    def load_or_create(cls, path: Path) -> RootKey:
        """Reads a root key file; makes it with a new key and mode 0600 if there is none. Of several at once, one makes it.

        Raises:
            Misconfigured: as load, or it cannot be made.
        """
        if not path.exists():
            try:
                _create(path, f"v1:{encode(_random_key())}\n".encode())
            except OSError as error:
                raise Misconfigured(f"the root key file {path} cannot be made: {error.strerror}") from error
        return cls.load(path)


def _random_key() -> bytes:
    while True:
        key = os.urandom(KEY_BYTES)
        if len(set(key)) >= _DISTINCT_BYTES_MIN and not key.isascii():
            return key


def _create(path: Path, text: bytes) -> None:
    """Writes a file that is there either whole or not at all, also after a loss of power; one that is there stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise Misconfigured(f"the root key file {path} is no regular file")
            # A group may read it, since secrets are handed to containers that way; nobody else may do anything.
            if found.st_mode & _OTHERS:
                raise Misconfigured(f"the root key file {path} is open to others: chmod 600 it")
            return file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise Misconfigured(f"the root key file {path} cannot be read: {error.strerror}") from error


def _parse(text: bytes, path: Path) -> dict[int, bytes]:
    if len(text) > FILE_BYTES_MAX:
        raise Misconfigured(f"the root key file {path} is too long")
    keys: dict[int, bytes] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith(b"#"):
            continue
        found = _LINE.fullmatch(line.decode("ascii", "replace"))
        try:
            key = decode(found[2]) if found else None
        except ValueError:
            key = None
        if found is None or key is None:
            raise Misconfigured(f"line {number} of the root key file {path} is not v1: and 32 bytes in base64url")
        if int(found[1]) in keys:
            raise Misconfigured(f"line {number} of the root key file {path} has a version that another line has")
        keys[int(found[1])] = key
    return keys
