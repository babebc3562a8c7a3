"""The contract of stores, as tests: subclass it, say how your store is built, and run pytest.

    class TestMine(StoreContract):
        def site(self, folder, clock):
            return lambda: MyStore(folder / "db", clock=clock.now, boot=clock.boot)

Security promises have no opt-out. Time comes from the clock that is passed in, so no store gets special treatment.
"""

from __future__ import annotations

from tallystick.testing.contract_cookies import Cookies
from tallystick.testing.contract_endings import Endings
from tallystick.testing.contract_handles import AuditTrail, Handles
from tallystick.testing.contract_log import Logs
from tallystick.testing.contract_races import Races
from tallystick.testing.contract_registers import Registers
from tallystick.testing.contract_rows import Rows
from tallystick.testing.contract_sweeping import Sweeping


class StoreContract(Rows, Registers, Cookies, Endings, Races, Logs, Sweeping, Handles, AuditTrail):
    """Everything that a `Store`, and the `Log` that it gives, promises."""
