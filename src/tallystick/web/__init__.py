"""The authority over HTTP: what an application mounts, or the server runs."""

from tallystick.web.app import routes, standalone

__all__ = ["routes", "standalone"]
