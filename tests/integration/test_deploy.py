"""The files of `deploy/`: they can be read, they are hardened, and they agree with the settings that there are."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tallystick.server.alive import alive
from tallystick.server.declared import declared
from tallystick.server.explain import unknown_variables
from tallystick.server.notify import notify_ready
from tallystick.server.settings import Settings
from tests.support.processes import Server

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(one for one in DEPLOY.rglob("*") if one.is_file())
UNIT = DEPLOY / "systemd" / "tallystick.service"
CONTAINERFILE = DEPLOY / "container" / "Containerfile"
COMPOSE = DEPLOY / "container" / "compose.yaml"
KNOWN_DIRECTIVES = {
    "Unit": "After Description StartLimitBurst StartLimitIntervalSec Wants",
    "Service": (
        "AmbientCapabilities CapabilityBoundingSet Environment ExecReload ExecStart Group InaccessiblePaths LimitNOFILE"
        " LoadCredential LockPersonality MemoryDenyWriteExecute NoNewPrivileges NotifyAccess PrivateDevices PrivateTmp"
        " PrivateUsers ProcSubset ProtectClock ProtectControlGroups ProtectHome ProtectHostname ProtectKernelLogs"
        " ProtectKernelModules ProtectKernelTunables ProtectProc ProtectSystem RemoveIPC Restart RestartSec"
        " RestrictAddressFamilies RestrictNamespaces RestrictRealtime RestrictSUIDSGID StateDirectory StateDirectoryMode"
        " SystemCallArchitectures SystemCallErrorNumber SystemCallFilter TimeoutStartSec TimeoutStopSec Type UMask User"
        " WorkingDirectory"
    ),
    "Install": "WantedBy",
}
"""Section → the directives of systemd.unit(5), systemd.service(5) and systemd.exec(5) that are used; no other is."""
COMPOSE_KEYS = {
    "build", "cap_add", "cap_drop", "depends_on", "environment", "image", "mem_limit", "networks", "pids_limit", "ports",
    "read_only", "restart", "secrets", "security_opt", "stop_grace_period", "tmpfs", "volumes",
}  # fmt: skip


def unit() -> dict[str, dict[str, list[str]]]:
    """Reads the unit: section → directive → values."""
    sections: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    name = ""
    for line in UNIT.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if head := re.fullmatch(r"\[(\w+)\]", line):
            name = head[1]
            continue
        key, equals, value = line.partition("=")
        assert equals, line
        assert name, line
        sections[name][key].append(value)
    return sections


def instructions() -> list[tuple[str, str]]:
    """Reads the Containerfile: each instruction with its argument, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", re.sub(r"(?m)^#.*\n", "", CONTAINERFILE.read_text()))
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in text.splitlines() if line.strip()]


def compose() -> dict[str, Any]:
    """Reads the compose file."""
    found = yaml.safe_load(COMPOSE.read_text())
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(DEPLOY).as_posix())
def test_every_setting_that_is_named_exists(path: Path) -> None:
    """A variable in a sample names a setting; none holds a secret."""
    named = set(re.findall(r"TALLYSTICK_[A-Z0-9_]+", path.read_text()))
    assert unknown_variables(dict.fromkeys(named, "")) == ()
    secrets = {one.variable for one in declared() if one.secret}
    assert named & secrets == set()


def test_the_samples_give_settings_that_a_server_starts_with() -> None:
    """What the samples say about proxies and lifetimes can be used."""
    values = re.findall(
        r"TALLYSTICK_(TRUSTED_PROXIES|DRAIN_S|ISSUER)[=:] *\"?([^\s\"]+)", "".join(map(Path.read_text, FILES))
    )
    assert len(values) > 5
    for name, value in values:
        Settings.load(**{name.lower(): value.replace("${AUTH_HOST:?set", "auth.example")})


# ── systemd ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_unit_uses_directives_that_there_are() -> None:
    """Each section and directive is one that systemd knows; a misspelt one would be ignored and protect nothing."""
    found = unit()
    assert found.keys() == KNOWN_DIRECTIVES.keys()
    for section, directives in found.items():
        assert set(directives) == set(KNOWN_DIRECTIVES[section].split())
    once = {key for keys in found.values() for key, values in keys.items() if len(values) > 1}
    assert once == {"Environment", "SystemCallFilter"}


def test_systemd_itself_finds_nothing_to_say(tmp_path: Path) -> None:
    """Where systemd's own checker is installed, it reads the unit without a complaint about a directive or a value."""
    checker = shutil.which("systemd-analyze")
    if checker is None:
        # The directives are held to the list above.
        assert UNIT.exists()
        return
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/tallystick/bin/tallystick", "/bin/true"))
    done = subprocess.run([checker, "verify", copy], capture_output=True, text=True, timeout=60, check=False)
    assert not re.search(r"Unknown|Failed to parse|Invalid", done.stderr), done.stderr


def test_the_unit_is_hardened() -> None:
    """The service has a user of its own, no capability, a read-only system, and its root key as a credential."""
    service = {key: values[-1] for key, values in unit()["Service"].items()}
    assert service["User"] == "tallystick"
    assert (service["CapabilityBoundingSet"], service["AmbientCapabilities"]) == ("", "")
    assert service["ProtectSystem"] == "strict"
    on = [key for key in service if key.startswith(("Protect", "Restrict", "Private", "NoNew"))]
    assert all(service[key] not in ("no", "false", "off", "") for key in on)
    assert service["LoadCredential"].startswith("root.key:")
    assert "TALLYSTICK_ROOT_KEY_FILE=%d/root.key" in unit()["Service"]["Environment"]
    assert service["Type"] == "notify"


def test_the_unit_waits_longer_than_the_server_takes_to_end() -> None:
    """systemd does not kill a server that is still answering its last requests."""
    service = unit()["Service"]
    drain = next(int(one.rpartition("=")[2]) for one in service["Environment"] if "DRAIN" in one)
    assert int(service["TimeoutStopSec"][0]) > drain + Settings.load().shutdown_s + 5


@pytest.mark.process
def test_the_server_tells_its_service_manager_that_it_is_ready(tmp_path: Path) -> None:
    """A service manager that asked is told READY=1 once the server answers, also where several workers serve."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(20)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        with Server(tmp_path, "--workers", "2", environment=environment):
            assert listener.recv(100) == b"READY=1"


def test_nobody_is_told_where_nobody_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a socket, with one of another kind, and with one that is gone, the server starts all the same."""
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not notify_ready()
    for address in ("tcp:80", str(tmp_path / "gone")):
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        assert not notify_ready()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0tallystick-{tmp_path.name}")
        monkeypatch.setenv("NOTIFY_SOCKET", f"@tallystick-{tmp_path.name}")
        assert notify_ready()
        assert listener.recv(100) == b"READY=1"


# ── containers ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_image_keeps_the_rules_of_images() -> None:
    """Tagged bases, two stages, no root, no ADD, no secret, arrays for what runs, and a health check."""
    found = instructions()
    names = [name for name, _ in found]
    bases = [argument.split()[0] for name, argument in found if name == "FROM"]
    assert len(bases) == 2
    assert all(re.search(r":[0-9][\w.-]*(@sha256:[0-9a-f]{64})?$", base) for base in bases)
    last_stage = found[len(names) - 1 - names[::-1].index("FROM") :]
    users = [argument for name, argument in last_stage if name == "USER"]
    assert users == ["10001:10001"]
    assert "ADD" not in names
    assert all(argument.startswith("[") for name, argument in found if name in ("ENTRYPOINT", "CMD", "VOLUME"))
    assert [argument.partition("CMD ")[2][:1] for name, argument in found if name == "HEALTHCHECK"] == ["["]
    everything = CONTAINERFILE.read_text().lower()
    assert not re.search(r"password|pepper|secret|apt-get|curl|sudo|:latest|\bchmod 777", everything)
    assert all(" pip install" not in argument or "--require-hashes" in argument for _, argument in found)


def test_the_image_is_built_of_what_is_there() -> None:
    """Every file that is copied exists and is not kept out; nothing else gets in."""
    ignored = [
        line for line in (ROOT / ".containerignore").read_text().splitlines() if line and not line.startswith("#")
    ]
    assert ignored[0] == "*"
    for name, argument in instructions():
        if name == "COPY" and "--from" not in argument:
            for source in argument.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source}" in ignored


@pytest.mark.process
def test_the_health_check_tells_life_from_death(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check that the image runs is good while the server answers, under any issuer, and bad when it does not."""
    monkeypatch.chdir(tmp_path)
    with Server(tmp_path) as server:
        assert alive(Settings.load(port=server.port))
        assert alive(Settings.load(port=server.port), "/readyz")
    assert not alive(Settings.load(port=server.port))


def test_the_compose_file_is_sound() -> None:
    """Only known keys; every network, volume and service that is named exists; nothing runs with more than it needs."""
    found = compose()
    assert found.keys() == {"name", "services", "networks", "volumes", "secrets"}
    for name, service in found["services"].items():
        assert service.keys() <= COMPOSE_KEYS, name
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["read_only"] is True
        assert set(service.get("secrets", [])) <= found["secrets"].keys()
        assert set(service["networks"]) <= found["networks"].keys()
        assert set(service.get("depends_on", {})) <= found["services"].keys()
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in found["volumes"] or (COMPOSE.parent / source).exists(), volume
    assert [name for name, one in found["services"].items() if "ports" in one] == ["proxy"]
    assert found["networks"]["inside"]["internal"] is True


def test_the_compose_file_believes_its_own_proxy_alone() -> None:
    """The one trusted proxy is the address of the proxy's container."""
    services = compose()["services"]
    listed = services["tallystick"]["environment"]["TALLYSTICK_TRUSTED_PROXIES"]
    assert listed == services["proxy"]["networks"]["inside"]["ipv4_address"]


# ── proxies ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_sample_of_nginx_hides_nobody_and_believes_nobody() -> None:
    """It replaces the forwarded headers, passes Host on, keeps nothing, and rewrites no cookie."""
    text = re.sub(r"#.*", "", (DEPLOY / "nginx" / "tallystick.conf").read_text())
    assert text.count("{") == text.count("}")
    sent = dict(re.findall(r"proxy_set_header\s+(\S+)\s+([^;]+);", text))
    assert sent["Host"] == "$host"
    assert sent["X-Forwarded-For"] == "$remote_addr"
    assert sent["X-Forwarded-Proto"] == "$scheme"
    assert sent["Forwarded"] == '""'
    assert not re.search(
        r"proxy_cache|proxy_cookie|proxy_hide_header|proxy_add_x_forwarded_for|TLSv1(\.1)?\b[^.]", text
    )
    assert "location = /metrics { return 404; }" in text


def test_the_sample_of_traefik_passes_the_host_on() -> None:
    """It reads as YAML, passes Host on, asks for readiness under the issuer's name, and keeps the metrics inside."""
    found = yaml.safe_load((DEPLOY / "traefik" / "tallystick.yml").read_text())
    balancer = found["http"]["services"]["tallystick"]["loadBalancer"]
    router = found["http"]["routers"]["tallystick"]
    assert balancer["passHostHeader"] is True
    assert (balancer["healthCheck"]["path"], balancer["healthCheck"]["hostname"]) == ("/readyz", "auth.example")
    assert "!Path(`/metrics`)" in router["rule"]
    assert set(router["middlewares"]) == found["http"]["middlewares"].keys()


def test_the_sample_of_caddy_passes_on_what_it_should() -> None:
    """Its braces match, the metrics are not passed on, and it lets nobody write Forwarded."""
    text = re.sub(r"(?m)#.*", "", (DEPLOY / "caddy" / "Caddyfile").read_text())
    assert text.count("{") == text.count("}")
    assert "respond /metrics 404" in text
    assert "header_up -Forwarded" in text
    assert "trusted_proxies" not in text
