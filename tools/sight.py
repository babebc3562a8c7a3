"""Writes what is made from the metric declarations: the page of the reference, the dashboard, the alert rules.

With `--check` it only says which of them differ.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tallystick.observe.catalogue import SECTIONS
from tallystick.verifier.metric import Kind, Label, Metric, Over
from tools.alerts import ALERTS, rules
from tools.dashboard import dashboard

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "metrics.md"
DASHBOARD = ROOT / "deploy" / "grafana" / "tallystick.json"
RULES = ROOT / "deploy" / "prometheus" / "tallystick.rules.yml"

_HEAD = """# Metrics

*What does `/metrics` say, and what does each number mean?*

<!-- Written by `make docs` from observe/catalogue.py, verifier/metrics.py and tools/alerts.py; a test compares. -->

`tallystick serve` answers `/metrics` in Prometheus' text format 0.0.4, with the sums over all workers of the host, whichever
of them is asked. Who may read it is told on the page of [HTTP endpoints](http.md#what-only-tallystick-serve-answers), and how
to set it up in [Watch it](../how-to/watch-it.md). No label ever names a person, a session or an address. A label value that
is not declared counts as `other`, and so does what goes beyond the bound of an open set, so the page cannot grow without limit.

A counter never goes backwards while its run folder stays: what a worker counted that has died is kept. A gauge is of the
living only. A verifier in another service serves the metrics of the sections *Validation* and, of its own lease, *Verifiers*
with `verifier.metrics()`.
"""
_ALERTS_HEAD = """
## Alerts

`deploy/prometheus/tallystick.rules.yml` holds these rules, and `deploy/grafana/tallystick.json` a dashboard with a panel for
each metric.

| alert | after | severity | says | do first |
|---|---|---|---|---|
"""
_OVER = {
    Over.SUM: "added up over the workers",
    Over.MAX: "the largest of the workers",
    Over.EACH: "each worker's own",
    Over.ASKED: "read when it is asked for",
}


def reference() -> str:
    """Gives the text of `docs/reference/metrics.md`."""
    parts = [_HEAD]
    for section in SECTIONS:
        parts.append(f"\n## {section.title}\n")
        parts += [_metric(metric) for metric in section.metrics]
    rows = (f"| {one.name} | {one.lasting} | {one.severity} | {_plain(one.summary)} | {one.does} |\n" for one in ALERTS)
    return "".join([*parts, _ALERTS_HEAD, *rows])


def _metric(metric: Metric) -> str:
    lines = [f"\n### {metric.name}\n\n{metric.help}\n\n* {metric.kind}, {_OVER[metric.over]}\n"]
    lines += [f"* `{label.name}`: {_values(label)}\n" for label in metric.labels]
    if metric.kind is Kind.HISTOGRAM:
        lines.append(f"* buckets: {', '.join(f'{bound:g}' for bound in metric.buckets)} s\n")
    return "".join(lines)


def _values(label: Label) -> str:
    return ", ".join(f"`{value}`" for value in label.values) or f"open, at most {label.most} values"


def _plain(text: str) -> str:
    return text.replace("{{ $labels.", "(").replace(" }}", ")")


FILES: dict[Path, Callable[[], str]] = {PAGE: reference, DASHBOARD: dashboard, RULES: rules}


def main() -> int:
    """Writes the files; with `--check` gives 1 if one differs."""
    differ = [path for path, write in FILES.items() if not path.exists() or path.read_text() != write()]
    for path in differ:
        if "--check" in sys.argv:
            print(f"{path.relative_to(ROOT)} is not what the code says: type `make docs`", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(FILES[path]())
    return 1 if differ and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
