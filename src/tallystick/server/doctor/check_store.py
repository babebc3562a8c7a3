"""Judges what stands in the database."""

from __future__ import annotations

from tallystick.errors import Misconfigured
from tallystick.server.doctor.facts import StoreFacts
from tallystick.server.doctor.finding import Findings, found
from tallystick.stores.sql.migrate import Migration, pending


def check_schema(store: StoreFacts, known: tuple[Migration, ...]) -> Findings:
    """Compares the migrations that a database has with those of this version.

    Args:
        store: the database.
        known: the migrations of this version.
    """
    numbers = {one.number for one in known}
    newer = [name for number, name, _ in store.applied if number not in numbers]
    if newer:
        yield found("schema_newer", f"The database has {', '.join(newer)}, which this version does not know.")
        return
    try:
        lacking = pending(list(store.applied), known)
    except Misconfigured as error:
        yield found("schema_changed", f"{error.detail[:1].upper()}{error.detail[1:]}.")
        return
    if lacking:
        yield found("schema_old", f"The database lacks {', '.join(one.name for one in lacking)}.")


def check_contents(store: StoreFacts, issuer: str | None) -> Findings:
    """Judges what a database says of itself.

    Args:
        store: the database.
        issuer: that the settings name.
    """
    if store.lost:
        yield found("wal_missing", "The log has lost entries that had been there before.")
    if store.opens is False:
        yield found("root_key_other", "The root key does not open what is sealed in the database.")
    if issuer and store.issuer and issuer != store.issuer:
        says = f"The settings name the issuer {issuer}, and the store belongs to {store.issuer}."
        yield found("issuer_recorded_differs", says, f"Set `issuer` to {store.issuer}, or use another store.")
    if store.administrators == 0:
        yield found("no_administrator", "No account is an administrator.")
