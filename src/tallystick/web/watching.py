"""What a server that is watched adds to the app: its page of metrics, its part of the lifespan, an ear for answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope

from tallystick.web.call import Handler

METRICS_PATH = "/metrics"
Answered = Callable[[Scope, str, int, float], None]
"""Called with each answer: the request's scope, its id, the status, and how long it took in seconds; never raises."""


@dataclass(frozen=True, slots=True)
class Watching:
    """How an app is watched.

    Args:
        metrics: answers `/metrics`; decides by itself who may read, whatever Host they name.
        lifespan: the lifespan of the app; runs the authority too.
        answered: called with each answer.
    """

    metrics: Handler
    lifespan: Callable[[Any], AbstractAsyncContextManager[Mapping[str, Any]]]
    answered: Answered
