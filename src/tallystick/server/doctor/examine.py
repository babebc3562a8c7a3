"""The examination: gathers what there is to see, lets every rule judge it, and says what could not be looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tallystick.crypto.root_key import RootKey
from tallystick.crypto.sealer import RootSealer
from tallystick.errors import Misconfigured, TallystickError
from tallystick.http import origin_of
from tallystick.ports import Sealer
from tallystick.proxies import Proxies
from tallystick.server.doctor import check_files, check_mail, check_proxy, check_settings, check_site, check_store
from tallystick.server.doctor.facts import FileFacts, StoreFacts
from tallystick.server.doctor.finding import Finding, Findings, Report, Unseen, found
from tallystick.server.doctor.gather_host import disk_facts, file_facts
from tallystick.server.doctor.gather_mail import mail_facts
from tallystick.server.doctor.gather_site import site_facts
from tallystick.server.doctor.gather_store import store_facts
from tallystick.server.explain import secrets_in_file, unknown_variables
from tallystick.server.facts import facts_of
from tallystick.server.settings import FILE, Settings
from tallystick.server.unsafe import findings
from tallystick.server.wiring import default_issuer, sqlite_file
from tallystick.stores.sql.migrate import known


class Examination:
    """One look at a set-up; call `run` once.

    Args:
        flags: settings from the command line.
        url: that people visit; the issuer by default.
        offline: looks at this host only.
        clock: gives the instant, in seconds.
    """

    def __init__(
        self, flags: dict[str, Any], *, url: str = "", offline: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        self._flags = flags
        self._url = url.rstrip("/")
        self._offline = offline
        self._clock = clock
        self._found: list[Finding] = []
        self._unseen: list[Unseen] = []
        self._seen: list[str] = []
        self._sealer: Sealer | None = None
        self._store = StoreFacts()

    def run(self) -> Report:
        """Looks at everything and gives the report."""
        self._judge("environment", check_settings.check_unknown(unknown_variables()))
        try:
            settings = Settings.load(**self._flags)
        except Misconfigured as error:
            self._found.append(found("settings_unusable", f"The settings cannot be used: {error.detail}."))
            return self._report()
        self._look_at_settings(settings)
        self._look_at_files(settings)
        if not self._offline:
            self._look_at_mail(settings)
            self._look_at_site(settings)
        return self._report()

    def _report(self) -> Report:
        once = dict.fromkeys(self._found)
        errors_first = sorted(once, key=lambda one: one.severity != "error")
        return Report(tuple(errors_first), tuple(self._unseen), tuple(self._seen))

    def _judge(self, what: str, findings: Findings) -> None:
        self._found.extend(findings)
        self._seen.append(what)

    def _look_at_settings(self, settings: Settings) -> None:
        def judged() -> Iterator[Finding]:
            if settings.issuer:
                yield from check_settings.check_issuer(settings.issuer)
                yield from check_settings.check_trusted_origins(settings.issuer, settings.trusted_origins)
            issuer = settings.issuer or default_issuer(settings)
            yield from check_settings.check_unsafe(findings(settings, facts_of(settings, issuer)))
            yield from check_files.check_settings_file(file_facts(FILE), secrets_in_file())

        self._judge("settings", judged())

    def _look_at_files(self, settings: Settings) -> None:
        database = sqlite_file(settings.store)
        self._look_at_root_key(settings.root_key_file, has_database=database is not None and database.exists())
        if database is None:
            return
        if not database.exists():
            self._found.append(found("nothing_here", f"There is no database at {database}."))
            return
        try:
            self._judge("disk", check_files.check_disk(disk_facts(database)))
        except OSError as error:
            self._unseen.append(("disk", str(error)))
        try:
            self._store = store_facts(database, self._sealer)
        except (TallystickError, OSError) as error:
            self._unseen.append(("database", str(error)))
            return
        self._judge("schema", check_store.check_schema(self._store, known()))
        self._judge("database", check_store.check_contents(self._store, settings.issuer))
        self._judge("clock", check_files.check_clock(int(self._clock()), self._store.newest_at))

    def _look_at_root_key(self, path: Path, *, has_database: bool) -> None:
        key, folder = self._root_key(path), file_facts(path.parent.resolve())
        self._judge("root key", check_files.check_root_key(key, folder, has_database=has_database))

    def _root_key(self, path: Path) -> FileFacts:
        facts = file_facts(path)
        if not facts.exists:
            return facts
        try:
            self._sealer = RootSealer(RootKey.load(path))
        except Misconfigured as error:
            return file_facts(path, error.detail)
        return facts

    def _look_at_mail(self, settings: Settings) -> None:
        mail: Any = getattr(settings, "mail", None)
        if mail is not None and mail.host:
            self._judge("mail", check_mail.check_mail(mail_facts(mail.host, mail.port, mail.security, mail.ca_file)))

    def _look_at_site(self, settings: Settings) -> None:
        issuer = settings.issuer or self._store.issuer or default_issuer(settings)
        url = self._url or issuer
        try:
            site = site_facts(url, self._sealer)
        except OSError as error:
            self._unseen.append((url, f"{error.strerror or error}"))
            return
        if self._sealer is None:
            self._unseen.append(("what lies before the server", "it takes the root key to ask the server"))
        elif not any(one.status == 200 for one in site.mirrors):
            status = site.mirrors[0].status
            self._unseen.append(("what lies before the server", f"the server answers {status} to the probe"))
        self._judge("issuer", check_site.check_issuer_served(site))
        self._judge("metadata", check_site.check_metadata(site))
        self._judge("metrics", check_site.check_metrics(site))
        if site.tls is not None:
            self._judge("certificate", check_site.check_tls(site.tls, int(self._clock())))
        for one in site.mirrors:
            if one.status == 200:
                self._judge("cookie", check_site.check_mirror_cookie(one))
        max_age = settings.policy.key_set_max_age
        self._judge(
            "what lies before the server",
            check_proxy.check_behind(site, origin_of(url), max_age, self._store.kids, _listed(settings)),
        )


def _listed(settings: Settings) -> Callable[[str], bool]:
    try:
        return Proxies(settings.trusted_proxies).is_listed
    except Misconfigured:
        # Said among what the server refuses to start with.
        return lambda address: False
