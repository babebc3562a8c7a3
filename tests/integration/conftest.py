"""A whole house, on each kind of store, for the tests that ask for one."""

from tests.support.pytest_house import anyio_backend, house, kind, quick

__all__ = ["anyio_backend", "house", "kind", "quick"]
