"""`tallystick doctor`: finds the mistakes of a set-up."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from tallystick.cli import output
from tallystick.cli.options import with_json, with_store
from tallystick.server.doctor.examine import Examination
from tallystick.server.doctor.finding import Report


@click.command("doctor")
@click.option("--url", metavar="URL", default="", help="The URL that people visit; the issuer if it is not given.")
@click.option("--offline", is_flag=True, help="Look at this host only; the server need not run.")
@with_json
@with_store
def doctor(url: str, offline: bool, as_json: bool, store: str | None) -> int:
    """Find mistakes of the set-up, each with its fix.

    Exit codes: 0 sound, 1 errors were found, 3 it could not look.
    """
    if url and not url.startswith(("http://", "https://")):
        raise click.UsageError("--url begins with http:// or https://")
    report = Examination({} if store is None else {"store": store}, url=url, offline=offline).run()
    if as_json:
        output.emit(as_facts(report))
    else:
        _tell(report)
    if report.errors:
        return output.REJECTED
    return output.UNAVAILABLE if report.unseen else output.GOOD


def as_facts(report: Report) -> dict[str, object]:
    """Gives a report as JSON has it."""
    return {
        "findings": [asdict(one) for one in report.findings],
        "unseen": [{"what": what, "because": because} for what, because in report.unseen],
        "seen": sorted(set(report.seen)),
    }


def _tell(report: Report) -> None:
    for one in report.findings:
        print(f"{one.severity}  {one.id}\n  {output.printable(one.says)}\n  fix: {output.printable(one.fix)}")
        print(f"  see: {one.docs}")
    sys.stdout.flush()
    for what, because in report.unseen:
        output.say(f"could not look at {what}: {because}")
    if not report.findings and not report.unseen:
        output.say(f"sound: {', '.join(sorted(set(report.seen)))}")
