"""Reference, dashboard and alert rules are what the metric declarations say, and Prometheus takes them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tallystick.observe.catalogue import CATALOGUE
from tallystick.verifier.metric import Kind
from tests.docs.pages import ROOT
from tools.alerts import ALERTS
from tools.sight import DASHBOARD, FILES, RULES

CASES = Path(__file__).parent / "alert_cases.yml"
SAMPLES = {
    f"{metric.name}{ending}": metric
    for metric in CATALOGUE
    for ending in (("_bucket", "_sum", "_count") if metric.kind is Kind.HISTOGRAM else ("",))
}


def promtool(*words: str) -> subprocess.CompletedProcess[str]:
    """Runs promtool."""
    return subprocess.run(["promtool", *words], capture_output=True, text=True, timeout=60, check=False)


def names_in(expression: str) -> set[str]:
    """Gives the metrics that an expression names."""
    return set(re.findall(r"\btallystick_\w+", expression))


def expressions(node: Any) -> list[str]:
    """Gives every expression below a part of the dashboard."""
    if isinstance(node, dict):
        own = [node["expr"]] if isinstance(node.get("expr"), str) else []
        return own + [one for part in node.values() for one in expressions(part)]
    return [one for part in node for one in expressions(part)] if isinstance(node, list) else []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_file_is_the_one_that_the_declarations_give(path: Path) -> None:
    """The reference, the dashboard and the rules are what `make docs` writes."""
    assert path.read_text() == FILES[path]()


def test_promtool_takes_the_rules() -> None:
    """`promtool check rules` finds nothing to complain about."""
    done = promtool("check", "rules", str(RULES))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ALERTS)} rules found" in done.stdout


def test_every_alert_fires_when_it_should_and_not_before() -> None:
    """`promtool test rules` plays each alert's trouble, and a healthy server, to the rules."""
    done = promtool("test", "rules", str(CASES))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case() -> None:
    """No rule is without a case in which it fires."""
    cases = yaml.safe_load(CASES.read_text())
    fired = {test["alertname"] for one in cases["tests"] for test in one["alert_rule_test"] if test["exp_alerts"]}
    assert fired == {alert.name for alert in ALERTS}


def test_rules_name_only_what_is_declared() -> None:
    """An alert cannot watch a metric that is not there."""
    for alert in ALERTS:
        assert names_in(alert.expr), alert.name
        assert names_in(alert.expr) <= SAMPLES.keys(), alert.name


def test_the_dashboard_shows_every_metric_and_only_those() -> None:
    """Each metric is on a panel, and no panel names one that is not there."""
    shown = {name for expr in expressions(json.loads(DASHBOARD.read_text())) for name in names_in(expr)}
    assert shown <= SAMPLES.keys()
    assert {SAMPLES[name] for name in shown} == set(CATALOGUE)


def test_the_dashboard_is_well_built() -> None:
    """Panels have ids of their own, a place where no other is, within the width, and a data source that can be chosen."""
    found = json.loads(DASHBOARD.read_text())
    panels = found["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert [target["refId"] for target in panel["targets"]] == sorted({t["refId"] for t in panel["targets"]})
    assert {one["name"] for one in found["templating"]["list"]} == {"datasource", "job"}
    assert found["schemaVersion"] >= 36


def test_what_the_dashboard_asks_can_be_parsed(tmp_path: Path) -> None:
    """Prometheus parses every expression of the dashboard."""
    rules = [
        {"record": f"x{at}", "expr": expr.replace("$__rate_interval", "5m").replace("$job", ".*")}
        for at, expr in enumerate(expressions(json.loads(DASHBOARD.read_text())))
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = promtool("check", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_installer_of_the_front_door_brings_promtool() -> None:
    """`make test` installs promtool where it is missing."""
    assert "promtool=prometheus" in (ROOT / "Makefile").read_text()
