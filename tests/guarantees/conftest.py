"""Every guarantee runs on each kind of store."""

from tests.support.pytest_house import anyio_backend, house, kind, quick

__all__ = ["anyio_backend", "house", "kind", "quick"]
