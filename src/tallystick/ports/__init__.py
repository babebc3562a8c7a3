"""What the use cases need of the world, as protocols. Their implementations meet only here."""

from tallystick.ports.facts import Committed, Cuts, Facts, Registered
from tallystick.ports.passkeys import Asserted, Attested, Named, Passkeys
from tallystick.ports.post import Letter, LetterKind, Mailer
from tallystick.ports.store import Store
from tallystick.ports.surroundings import Clock, Entropy, Events, Hasher, Meter, Places, Sealer, Signer
from tallystick.ports.writes import DropHandles, PutAccount, PutClient, PutHandle, PutKeys, Record, RedeemHandle, Write

__all__ = [
    "Asserted",
    "Attested",
    "Clock",
    "Committed",
    "Cuts",
    "DropHandles",
    "Entropy",
    "Events",
    "Facts",
    "Hasher",
    "Letter",
    "LetterKind",
    "Mailer",
    "Meter",
    "Named",
    "Passkeys",
    "Places",
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
