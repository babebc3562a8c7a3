"""`tallystick.Authority`: the authority with the plain implementations wired in."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from tallystick.authority.authority import Authority as _Authority
from tallystick.authority.recording import Relay
from tallystick.authority.timing import Unmetered
from tallystick.authority.world import World
from tallystick.core.policy import DEFAULT, Policy
from tallystick.crypto.clocks import SystemClock
from tallystick.crypto.entropy import SystemEntropy
from tallystick.crypto.hashing import HashingPool
from tallystick.crypto.passkeys import WebAuthn
from tallystick.crypto.plain_events import PlainEvents
from tallystick.crypto.root_key import RootKey
from tallystick.crypto.sealer import RootSealer
from tallystick.crypto.signer import KeySigner
from tallystick.errors import Misconfigured
from tallystick.identity.password import PasswordParameters, PasswordRules
from tallystick.mail.office import SmtpMail
from tallystick.ports import Clock, Entropy, Events, Hasher, Mailer, Meter, Places, Store

DEFAULT_ROOT_KEY_FILE = Path(".tallystick/root.key")


class Authority(_Authority):
    """The authority of an issuer on a store; what an application embeds. Building it does no I/O but reading the root key.

    Args:
        issuer: the URL under which its routes are reachable, without a trailing slash; https, or http on localhost.
        stores: what `open_stores` gave.
        policy: lifetimes and limits.
        root_key_file: the file of the root key; created with mode 0600 if it does not exist. Keep it apart from the
            database in backups.
        passwords: the rules for new passwords.
        password_parameters: how they are hashed.
        workers: how many processes of this host share the hashing slots.
        pepper: 32 secret bytes, kept outside of the store, that are mixed into every password hash; None for none.
        events: where events go; the log by default.
        meter: where measurements go; nowhere by default.
        clock: time; the system's by default.
        entropy: randomness; the kernel's by default.
        hasher: slow hashes; the bounded pool by default.
        mailer: sends mail: what `SmtpMail` says, or one of your own. With it addresses are verified and forgotten
            passwords reset; without it neither is offered.
        places: where networks are, for lists of sessions; nobody knows by default.
        claims_store: records its issuer in a store that belongs to none yet; tools that serve nobody leave that to who
            serves.

    Raises:
        Misconfigured: the issuer or the root key cannot be used.
    """

    def __init__(
        self,
        issuer: str,
        stores: Store,
        *,
        policy: Policy = DEFAULT,
        root_key_file: Path | str = DEFAULT_ROOT_KEY_FILE,
        passwords: PasswordRules | None = None,
        password_parameters: PasswordParameters | None = None,
        workers: int = 1,
        pepper: bytes | None = None,
        events: Events | None = None,
        meter: Meter | None = None,
        clock: Clock | None = None,
        entropy: Entropy | None = None,
        hasher: Hasher | None = None,
        mailer: Mailer | SmtpMail | None = None,
        places: Places | None = None,
        claims_store: bool = True,
    ) -> None:
        sealer = RootSealer(RootKey.load_or_create(Path(root_key_file)))
        issuer, clock, entropy = checked_issuer(issuer), clock or SystemClock(), entropy or SystemEntropy()
        events = events or PlainEvents()
        if isinstance(mailer, SmtpMail):
            # What becomes of a mail passes through the authority, for its audit trail.
            relay = Relay(events)
            mailer = mailer.mailer(issuer, clock, entropy, relay)
        else:
            relay = None
        super().__init__(
            World(
                issuer=issuer,
                policy=policy,
                passwords=passwords or PasswordRules(),
                store=stores,
                clock=clock,
                entropy=entropy,
                hasher=hasher
                or HashingPool(password_parameters or PasswordParameters(), workers=workers, pepper=pepper),
                signer=KeySigner(sealer),
                sealer=sealer,
                passkeys=WebAuthn(issuer),
                events=events,
                mailer=mailer,
                meter=meter or Unmetered(),
                places=places,
            ),
            claims_store=claims_store,
        )
        if relay is not None:
            relay.to = self.world.events


def checked_issuer(issuer: str) -> str:
    """Gives an issuer that can be used: https, or http on the loopback host; no query, fragment or trailing slash.

    Raises:
        Misconfigured: it cannot be used; the message says why (RFC 8414 section 2).
    """
    parts = urlsplit(issuer)
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise Misconfigured(f"the issuer {issuer} must be https, or http on localhost")
    if not parts.hostname or parts.query or parts.fragment or parts.username or issuer.endswith(("/", "?", "#")):
        raise Misconfigured(f"the issuer {issuer} must be a plain URL without query, fragment or trailing slash")
    return issuer
