"""The settings, each declared once: defaults < tallystick.toml < TALLYSTICK_* < flags.

`__` nests (`TALLYSTICK_POLICY__REFRESH_GRACE=5`); a secret may be read from a file (`TALLYSTICK_PEPPER_FILE`). The fields
of `policy` are those of `tallystick.core.policy.Policy`, with its units and limits; what is not given comes from `preset`.
"""

from __future__ import annotations

import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings.exceptions import SettingsError

from tallystick.core.policy import BANKING, CONSUMER, DEFAULT, Policy
from tallystick.errors import Misconfigured
from tallystick.server.mail_settings import MailSettings

PREFIX = "TALLYSTICK_"
FILE = Path("tallystick.toml")
DATA = Path(".tallystick")
PRESETS: dict[str, Policy] = {"default": DEFAULT, "banking": BANKING, "consumer": CONSUMER}
METRICS_TOKEN_MIN = 20
_PEPPER = re.compile(r"[0-9A-Fa-f]{64}")


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in over.items():
        inner = merged.get(name)
        merged[name] = _merged(inner, value) if isinstance(inner, dict) and isinstance(value, dict) else value
    return merged


def _words(value: Any) -> Any:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _pepper(value: SecretStr | None) -> SecretStr | None:
    if value is not None and _PEPPER.fullmatch(value.get_secret_value().strip()) is None:
        raise ValueError("it must be 64 hexadecimal digits")
    return value


def _metrics_token(value: SecretStr | None) -> SecretStr | None:
    if value is not None and len(value.get_secret_value().strip()) < METRICS_TOKEN_MIN:
        raise ValueError(f"it must have at least {METRICS_TOKEN_MIN} characters")
    return value


class Settings(BaseSettings):
    """What an operator may choose. `Settings.load` reads it."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        toml_file=FILE,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    issuer: str | None = Field(
        None, description="The URL under which everybody knows this server; http://localhost:PORT if it is not given."
    )
    store: str = Field(f"sqlite:///{DATA / 'tallystick.db'}", description="Where the data is.")
    root_key_file: Path = Field(
        DATA / "root.key", description="The file of the root key; made with mode 0600 if there is none."
    )
    host: str = Field("127.0.0.1", description="Where to listen.")
    port: int = Field(8000, ge=0, le=65535, description="The port to listen on; 0 for any that is free.")
    workers: int = Field(1, ge=1, le=64, description="How many processes serve.")
    drain_s: float = Field(
        0.0, ge=0, le=300, description="How long to serve on after readiness was withdrawn, in seconds, before it ends."
    )
    shutdown_s: int = Field(
        30, ge=1, le=300, description="How long requests in flight may take when it ends, in seconds."
    )
    tls_cert: Path | None = Field(
        None, description="The file of the TLS certificate and its chain, in PEM; read again when it is renewed."
    )
    tls_key: Path | None = Field(
        None, description="The file of the certificate's private key, in PEM, closed to others; read again like it."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = Field(
        (),
        description="Addresses and networks of the proxies whose forwarded headers are believed; of nobody by default.",
    )
    proxy_headers: Literal["x-forwarded", "forwarded"] = Field(
        "x-forwarded",
        description="Which headers those proxies write: X-Forwarded-For, -Proto and -Host, or Forwarded (RFC 7239).",
    )
    trusted_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = Field(
        (), description="Origins beside the issuer's whose pages may act for whoever is signed in."
    )
    templates: Path | None = Field(
        None, description="A folder whose templates and assets come before those of our pages; none if it is not given."
    )
    pepper: Annotated[SecretStr | None, AfterValidator(_pepper)] = Field(
        None,
        description="64 hexadecimal digits that are mixed into every password hash; changing it locks everybody out.",
    )
    mail: MailSettings | None = Field(None, description="Mail by SMTP; without it there is none.")
    metrics_token: Annotated[SecretStr | None, AfterValidator(_metrics_token)] = Field(
        None,
        description=(
            "At least 20 characters that a reader of /metrics presents as a bearer; without it only this host reads them."
        ),
    )
    run_folder: Path | None = Field(
        None,
        description="Where the workers of this host leave their counts for each other; beside the database if not given.",
    )
    log_format: Literal["text", "json"] = Field("text", description="How a line of the log is written.")
    access_log: bool = Field(
        False, description="Whether each request gets a line in the log: its path, never its query."
    )
    geo_database: Path | None = Field(
        None,
        description="A MaxMind DB file (GeoIP2 or GeoLite2, City or Country) that says where a session's network is.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="What the log tells.")
    preset: Literal["default", "banking", "consumer"] = Field("default", description="Which policy to start from.")
    policy: Policy = Field(DEFAULT, description="What differs from the preset.")

    @model_validator(mode="before")
    @classmethod
    def _over_preset(cls, given: dict[str, Any]) -> dict[str, Any]:
        policy = given.get("policy", {})
        base = PRESETS.get(given.get("preset", "default"))
        if base is None or not isinstance(policy, dict):
            return given
        return given | {"policy": _merged(asdict(base), policy)}

    @classmethod
    def load(cls, **flags: Any) -> Self:
        """Reads the settings: defaults, then `tallystick.toml` here, then the environment, then flags.

        Args:
            flags: what was said on the command line; wins over everything.

        Raises:
            Misconfigured: a setting is unknown or cannot be used; the message names it and never repeats its value.
        """
        try:
            return cls(**flags)
        except ValidationError as error:
            wrong = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)]
            raise Misconfigured("; ".join(wrong)) from None
        except (SettingsError, OSError, ValueError) as error:
            raise Misconfigured(f"the settings cannot be read: {error}") from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Orders the sources, the strongest first."""
        return (
            init_settings,
            _Environment(settings_cls),
            _SecretFiles(settings_cls),
            TomlConfigSettingsSource(settings_cls),
        )

    @property
    def pepper_bytes(self) -> bytes | None:
        """The pepper as bytes."""
        return bytes.fromhex(self.pepper.get_secret_value().strip()) if self.pepper is not None else None


class _Environment(EnvSettingsSource):
    """Reads the environment; names of files of nested secrets, which `_SecretFiles` reads, are no settings."""

    def __call__(self) -> dict[str, Any]:
        """Gives what the environment says."""
        found = super().__call__()
        for name, field in self.settings_cls.model_fields.items():
            for nested in (one for one in get_args(field.annotation) if _is_model(one)):
                for inner, held in nested.model_fields.items():
                    if SecretStr in get_args(held.annotation) and isinstance(found.get(name), dict):
                        found[name].pop(f"{inner}_file", None)
        return found


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


class _SecretFiles(PydanticBaseSettingsSource):
    """Reads each secret from the file that `TALLYSTICK_<NAME>_FILE` names; `__` nests there too."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Gives one secret, or None."""
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        return (Path(path).read_text().strip() if path else None), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Gives the secrets that have a file."""
        return self._found(self.settings_cls, "")

    def _found(self, model: type[BaseModel], prefix: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, field in model.model_fields.items():
            kinds = get_args(field.annotation)
            nested = next(filter(_is_model, kinds), None)
            if nested is not None:
                found[name] = self._found(nested, f"{prefix}{name}__") or None
            elif SecretStr in kinds:
                found[name] = self.get_field_value(field, prefix + name)[0]
        return {name: value for name, value in found.items() if value is not None}
