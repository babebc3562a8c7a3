"""The audit trail, pure: what an entry is, how entries are chained, which acts are recorded, and how an export is checked."""

from tallystick.audit.entry import CHAIN_BYTES, GENESIS, AuditEntry, canonical, placed

__all__ = ["CHAIN_BYTES", "GENESIS", "AuditEntry", "canonical", "placed"]
