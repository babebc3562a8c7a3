"""The Grafana dashboard, written from the metric declarations: one panel for each metric, in the sections of the catalogue."""

from __future__ import annotations

import json
from typing import Any

from tallystick.observe import catalogue as of
from tallystick.verifier.metric import Kind, Metric, Over

UID = "tallystick"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
PANEL_WIDTH, PANEL_HEIGHT, STAT_HEIGHT, COLUMNS = 8, 8, 4, 24
_SELECTED = 'job=~"$job"'
FAILED = 'status="5xx"'
_QUANTILES = (0.5, 0.95, 0.99)


def dashboard() -> str:
    """Gives the dashboard as JSON, ready to be imported."""
    panels = _stats()
    top = STAT_HEIGHT
    for section in of.SECTIONS:
        panels.append(_row(section.title, top))
        top += 1
        for at, metric in enumerate(section.metrics):
            left = at * PANEL_WIDTH % COLUMNS
            panels.append(_panel(metric, left, top + at * PANEL_WIDTH // COLUMNS * PANEL_HEIGHT))
        top += -(-len(section.metrics) * PANEL_WIDTH // COLUMNS) * PANEL_HEIGHT
    for number, panel in enumerate(panels, 1):
        panel["id"] = number
    return json.dumps(_around(panels), indent=1, ensure_ascii=False) + "\n"


def _around(panels: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "uid": UID,
        "title": "tallystick",
        "description": "Written by `make docs` from the metric declarations. Import it and choose a data source.",
        "tags": ["tallystick", "authentication"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "templating": {"list": [_datasource(), _job()]},
        "annotations": {"list": [_anomalies()]},
        "panels": panels,
    }


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1}


def _job() -> dict[str, Any]:
    query = f"label_values({of.BUILD.name}, job)"
    return {
        "name": "job",
        "label": "Job",
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": "job"},
        "definition": query,
        "refresh": 2,
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
    }


def _anomalies() -> dict[str, Any]:
    return {
        "name": "Anomalies",
        "datasource": DATASOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": f"sum by (series) (increase({of.ANOMALIES_FOUND.name}{{{_SELECTED}}}[1m])) > 0",
        "titleFormat": "{{series}}",
    }


def _stats() -> list[dict[str, Any]]:
    right, wrong = _rate(of.AUTHENTICATIONS), _rate(of.AUTHENTICATION_FAILURES)
    asked = (
        ("Sign-ins per minute", f"60 * {right}", "short", None),
        ("Share that fails", f"{wrong} / ({wrong} + {right})", "percentunit", 0.5),
        ("Sessions opened per minute", f"60 * {_rate(of.SESSIONS_OPENED)}", "short", None),
        ("Silent verifiers", f'sum({of.VERIFIERS.name}{{{_SELECTED},state="silent"}})', "short", 1),
        ("Anomalies, last hour", f"sum(increase({of.ANOMALIES_FOUND.name}{{{_SELECTED}}}[1h]))", "short", 1),
        ("Answers 5xx per minute", f"60 * {_rate(of.RESPONSES, FAILED)}", "short", 1),
    )
    width = COLUMNS // len(asked)
    return [_stat(title, expr, unit, red, at * width, width) for at, (title, expr, unit, red) in enumerate(asked)]


def _rate(metric: Metric, more: str = "") -> str:
    return f"sum(rate({metric.name}{{{','.join(filter(None, (_SELECTED, more)))}}}[$__rate_interval]))"


def _stat(title: str, expr: str, unit: str, red: float | None, left: int, width: int) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if red is not None:
        steps.append({"color": "red", "value": red})
    return {
        "type": "stat",
        "title": title,
        "datasource": DATASOURCE,
        "gridPos": {"x": left, "y": 0, "w": width, "h": STAT_HEIGHT},
        "targets": [_target(expr, "", "A")],
        "fieldConfig": {
            "defaults": {"unit": unit, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "options": {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "area"},
    }


def _row(title: str, top: int) -> dict[str, Any]:
    return {
        "type": "row",
        "title": title,
        "collapsed": False,
        "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
        "panels": [],
    }


def _panel(metric: Metric, left: int, top: int) -> dict[str, Any]:
    return {
        "type": "timeseries",
        "title": metric.name.removeprefix("tallystick_"),
        "description": metric.help,
        "datasource": DATASOURCE,
        "gridPos": {"x": left, "y": top, "w": PANEL_WIDTH, "h": PANEL_HEIGHT},
        "targets": _targets(metric),
        "fieldConfig": {"defaults": {"unit": _unit(metric), "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    }


def _targets(metric: Metric) -> list[dict[str, Any]]:
    names = [label.name for label in metric.labels]
    legend = " ".join(f"{{{{{name}}}}}" for name in names)
    by = f" by ({', '.join(names)})" if names else ""
    if metric.kind is Kind.COUNTER:
        return [_target(f"sum{by} (rate({metric.name}{{{_SELECTED}}}[$__rate_interval]))", legend, "A")]
    if metric.kind is Kind.GAUGE:
        # Every process of a host gives the same page, so the largest is the host's; hosts are added where that makes sense.
        how = "sum" if metric.over is Over.SUM else "max"
        return [_target(f"{how}{by} ({metric.name}{{{_SELECTED}}})", legend, "A")]
    inside = f"sum by ({', '.join(['le', *names])}) (rate({metric.name}_bucket{{{_SELECTED}}}[$__rate_interval]))"
    return [
        _target(f"histogram_quantile({share}, {inside})", f"p{share * 100:g} {legend}".strip(), "ABC"[at])
        for at, share in enumerate(_QUANTILES)
    ]


def _target(expr: str, legend: str, name: str) -> dict[str, Any]:
    return {"refId": name, "datasource": DATASOURCE, "expr": expr, "legendFormat": legend or "__auto", "range": True}


def _unit(metric: Metric) -> str:
    if metric.name.endswith("_seconds"):
        return "s"
    return "ops" if metric.kind is Kind.COUNTER else "short"
