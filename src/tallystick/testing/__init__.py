"""What is shipped for tests: a clock and an order that a test decides, and the contract that every store is held to."""

from tallystick.testing.clock import FakeClock as FakeClock
from tallystick.testing.sequencer import Sequencer as Sequencer
from tallystick.testing.store_contract import StoreContract as StoreContract
