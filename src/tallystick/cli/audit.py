"""`tallystick audit`: the audit trail, who did what to whom, from where and why."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from tallystick.audit import GENESIS, AuditEntry
from tallystick.audit.check import Broken, Good, Walk, verify_lines
from tallystick.audit.lines import CLOSING_PURPOSE, Closing, closing_line, closing_message, line_of
from tallystick.cli import facts, output
from tallystick.cli.options import account_named, settings_of, with_authority, with_json, with_store
from tallystick.crypto.root_key import RootKey
from tallystick.crypto.sealer import RootSealer
from tallystick.embed import Authority
from tallystick.errors import Misconfigured
from tallystick.ports import Store
from tallystick.stores.open import open_stores

PAGE = 1000
LINE_MAX = 64 * 1024
COLUMNS = ["seq", "at", "name", "actor", "principal", "network", "because"]
T = TypeVar("T")


@click.group()
def audit() -> None:
    """Who did what to whom, from where and why."""


@audit.command("list")
@click.option("--principal", metavar="EMAIL-OR-ID", help="Only what was done to this one.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="At most so many.")
@with_json
@with_store
def show(principal: str | None, limit: int, as_json: bool, store: str | None) -> None:
    """List the newest entries, newest first."""

    async def job(authority: Authority) -> list[facts.Facts]:
        whose = None if principal is None else (await account_named(authority, principal)).id
        return [facts.of_act(entry) for entry in await authority.acts(whose, limit=limit)]

    found = with_authority(store, job)
    if not as_json:
        found = [{**one, "at": output.instant(int(str(one["at"])))} for one in found]
    output.show_list(found, COLUMNS, as_json=as_json, none="nothing was recorded")


@audit.command("export")
@click.option("--after", type=click.IntRange(0), default=0, show_default=True, help="Only what comes after this place.")
@click.option("--file", "target", type=click.Path(path_type=Path, dir_okay=False), help="Where to, instead of stdout.")
@with_store
def export(after: int, target: Path | None, store: str | None) -> None:
    """Write the trail as JSON lines and a closing line that names its last place; it is checked on the way."""
    sealer = _sealer(store)
    if sealer is None:
        raise Misconfigured("an export is signed with the root key, which cannot be read here")

    async def job(stores: Store) -> Good | Broken:
        with _writing(target) as write:
            head = await stores.audit_head()
            begin = await _chain_at(stores, after)
            walk = Walk(sealer.is_mac, *begin)
            async for entry in _entries(stores, after, head[0]):
                broken = walk.take(entry)
                if broken is not None:
                    return broken
                write(line_of(entry))
            found = walk.end(head)
            if isinstance(found, Good):
                write(closing_line(_closing(sealer, walk, begin)))
            return found

    _tell(_with_store(store, job), "exported", proofs=True)


@audit.command("verify")
@click.argument("file", required=False, metavar="[FILE|-]")
@with_store
def verify(file: str | None, store: str | None) -> None:
    """Check an export, or the trail of the store: exit code 1 if one line was altered, removed, moved or added."""
    sealer = _sealer(store)
    is_mac = None if sealer is None else sealer.is_mac
    if sealer is None:
        output.say("the root key cannot be read here: proofs are not checked, only the chain")
    if file is not None:
        with _reading(file) as lines:
            _tell(verify_lines(lines, is_mac), "good:", proofs=sealer is not None)
        return

    async def job(stores: Store) -> Good | Broken:
        walk, head = Walk(is_mac), await stores.audit_head()
        async for entry in _entries(stores, 0, head[0]):
            broken = walk.take(entry)
            if broken is not None:
                return broken
        return walk.end(head)

    _tell(_with_store(store, job), "good:", proofs=sealer is not None)


def _tell(found: Good | Broken, word: str, *, proofs: bool) -> None:
    if isinstance(found, Broken):
        output.complain("audit.broken", f"line {found.line}: {found.why}")
        raise click.exceptions.Exit(output.REJECTED)
    proved = f"; proved with the root key up to {found.proved}" if proofs else ""
    output.say(f"{word} {found.entries} entries, the last at place {found.last}{proved}")


def _closing(sealer: RootSealer, walk: Walk, begin: tuple[int, bytes]) -> Closing:
    # Where old entries were swept, the export begins at the first one that is left.
    first = walk.last - walk.entries
    before = walk.anchor if walk.anchor is not None else begin[1]
    closing = Closing(first, before, walk.last, walk.chain)
    return closing._replace(mac=sealer.mac(CLOSING_PURPOSE, closing_message(closing)))


async def _entries(stores: Store, after: int, last: int) -> AsyncIterator[AuditEntry]:
    while page := await stores.audit_page(after, PAGE):
        for entry in page:
            if entry.seq <= last:
                yield entry
        after = page[-1].seq


async def _chain_at(stores: Store, place: int) -> tuple[int, bytes]:
    if place == 0:
        return 0, GENESIS
    found = await stores.audit_page(place - 1, 1)
    if not found or found[0].seq != place:
        raise click.UsageError(f"there is no place {place} in the trail")
    return place, found[0].chain


def _sealer(store: str | None) -> RootSealer | None:
    path = settings_of(store).root_key_file
    try:
        return RootSealer(RootKey.load(path))
    except Misconfigured as error:
        output.say(error.detail)
        return None


def _with_store(store: str | None, job: Callable[[Store], Awaitable[T]]) -> T:
    settings = settings_of(store)

    async def run() -> T:
        stores = open_stores(settings.store)
        await stores.open(settings.policy.staleness)
        try:
            return await job(stores)
        finally:
            await stores.close()

    return asyncio.run(run())


@contextmanager
def _writing(target: Path | None) -> Iterator[Callable[[str], None]]:
    """Gives a function that writes a line; a file appears when it is whole, and is its owner's alone."""
    if target is None:
        yield print
        sys.stdout.flush()
        return
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    whole = False
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:

            def write(line: str) -> None:
                nonlocal whole
                file.write(line + "\n")
                whole = line.startswith('{"closing":')

            yield write
            file.flush()
            os.fsync(descriptor)
        if whole:
            draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def _reading(name: str) -> Iterator[Iterator[str]]:
    with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
        yield _lines(file.readline)


def _lines(readline: Callable[[int], bytes]) -> Iterator[str]:
    # A line end belongs to its line, a carriage return too: whoever added one has altered the line.
    while raw := readline(LINE_MAX):
        yield raw.removesuffix(b"\n").decode("ascii", "replace")
