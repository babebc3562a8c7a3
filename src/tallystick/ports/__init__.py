"""What the use cases need of the world, as protocols. Their implementations meet only here."""

from tallystick.ports.facts import Committed, Cuts, Facts, Registered
from tallystick.ports.store import Store
from tallystick.ports.surroundings import Clock, Entropy, Events, Hasher, Sealer, Signer
from tallystick.ports.writes import DropHandles, PutAccount, PutClient, PutHandle, PutKeys, Record, RedeemHandle, Write

__all__ = [
    "Clock",
    "Committed",
    "Cuts",
    "DropHandles",
    "Entropy",
    "Events",
    "Facts",
    "Hasher",
    "PutAccount",
    "PutClient",
    "PutHandle",
    "PutKeys",
    "Record",
    "RedeemHandle",
    "Registered",
    "Sealer",
    "Signer",
    "Store",
    "Write",
]
