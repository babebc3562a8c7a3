"""Checks credentials, in the authority's own processes and elsewhere: thread and transports around core.verification."""

from tallystick.core.credentials.view import SessionView
from tallystick.verifier.bare import verify_access_token
from tallystick.verifier.state import VerifierState
from tallystick.verifier.verifier import Verifier

__all__ = ["SessionView", "Verifier", "VerifierState", "verify_access_token"]
