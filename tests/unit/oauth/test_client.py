"""Clients keep every rule from birth."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.core.ids import ClientId
from tallystick.errors import InvalidRequest
from tallystick.oauth.client import CLIENT_KINDS, Client, new_client

ID = ClientId.of(bytes(range(16)))


def born(**fields: Any) -> Client:
    """Gives a client of kind web, but for the fields named."""
    given: dict[str, Any] = {"name": "Notes", "kind": "web", "now": 1_800_000_000, **fields}
    return new_client(ID, given.pop("name"), **given)


def test_a_client_is_born_enabled_and_without_secrets() -> None:
    """What was asked for is what the row says; the rest has safe beginnings."""
    client = born(
        first_party=True,
        redirect_uris=["https://app.example/callback"],
        post_logout_redirect_uris=["https://app.example/bye"],
        audiences=["https://export.example"],
        scopes=["notes:read", "notes:write"],
    )
    assert client == Client(
        id=ID,
        version=0,
        name="Notes",
        kind="web",
        first_party=True,
        enabled=True,
        secrets=(),
        redirect_uris=("https://app.example/callback",),
        post_logout_redirect_uris=("https://app.example/bye",),
        scopes=frozenset({"notes:read", "notes:write"}),
        audiences=("https://export.example",),
        created_at=1_800_000_000,
    )


@pytest.mark.parametrize("kind", CLIENT_KINDS)
def test_only_programs_on_servers_keep_secrets(kind: str) -> None:
    """A web application and a service are confidential; what people hold in their hands is not."""
    assert born(kind=kind).confidential is (kind in ("web", "service"))


def test_a_service_acts_under_its_own_name() -> None:
    """Without a person the principal is the client itself."""
    assert born(kind="service").principal == ID


def test_a_name_is_trimmed_and_composed() -> None:
    """Spaces around a name are dropped, and an accent is part of its letter."""
    assert born(name="  Cafe\u0301 ").name == "Café"
    assert born(name="日本語のメモ帳").name == "日本語のメモ帳"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"kind": "browser"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "para\u2029graph"}, "name"),
        ({"name": "right\u202eleft"}, "name"),
        ({"redirect_uris": ["http://app.example/callback"]}, "redirect_uris"),
        ({"redirect_uris": ["https://app.example/*"]}, "redirect_uris"),
        ({"redirect_uris": "https://app.example/"}, "redirect_uris"),
        ({"redirect_uris": ["https://app.example/"] * 2}, "redirect_uris"),
        ({"redirect_uris": [f"https://app.example/{n}" for n in range(21)]}, "redirect_uris"),
        ({"post_logout_redirect_uris": ["https://app.example/#bye"]}, "post_logout_redirect_uris"),
        ({"kind": "spa", "redirect_uris": ["http://127.0.0.1/cb"]}, "redirect_uris"),
        ({"kind": "service", "redirect_uris": ["https://app.example/"]}, "redirect_uris"),
        ({"kind": "device", "post_logout_redirect_uris": ["https://app.example/"]}, "post_logout_redirect_uris"),
        ({"audiences": ["export"]}, "audiences"),
        ({"audiences": ["http://export.example"]}, "audiences"),
        ({"audiences": [f"https://export.example/{n}" for n in range(51)]}, "audiences"),
        ({"scopes": ["notes read"]}, "scopes"),
        ({"scopes": [""]}, "scopes"),
        ({"scopes": ["x" * 129]}, "scopes"),
        ({"scopes": ['quo"te']}, "scopes"),
        ({"scopes": ["a", "a"]}, "scopes"),
    ],
)
def test_a_field_that_breaks_a_rule_is_named(fields: dict[str, Any], name: str) -> None:
    """Whoever registers a client reads which field is wrong and why."""
    with pytest.raises(InvalidRequest) as refused:
        born(**fields)
    assert refused.value.code == "request.invalid"
    assert refused.value.public.startswith(f"{name} ")
