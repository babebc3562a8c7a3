"""Reads `/metrics` as Prometheus does."""

from __future__ import annotations

from collections.abc import Mapping
from http.client import HTTPConnection

from prometheus_client.parser import text_string_to_metric_families

from tests.support.processes import ADDRESS

Page = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def fetch(port: int, headers: Mapping[str, str] | None = None, path: str = "/metrics") -> tuple[int, str]:
    """Asks for the page on a connection of its own, so that any worker may answer; gives status and body."""
    connection = HTTPConnection(ADDRESS, port, timeout=10)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def parsed(text: str) -> Page:
    """Gives a page as sample → value; prometheus_client reads it."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(port: int) -> Page:
    """Gives the page."""
    status, text = fetch(port)
    assert status == 200, text
    return parsed(text)


def total(page: Page, name: str, **labels: str) -> float:
    """Adds up the samples of a name that have at least these labels."""
    wanted = set(labels.items())
    return sum(value for (sample, found), value in page.items() if sample == name and wanted <= set(found))


def counters(page: Page) -> Page:
    """Gives the samples that may never go backwards."""
    endings = ("_total", "_bucket", "_count", "_sum")
    return {key: value for key, value in page.items() if key[0].endswith(endings)}
