"""Typed settings, read from the environment with the prefix `SWITCHYARD_`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from switchyard.errors import ConfigurationError
from switchyard.home import Home


class Settings(BaseSettings):
    """What an operator may set; each field is the environment variable `SWITCHYARD_<FIELD>`."""

    model_config = SettingsConfigDict(env_prefix="SWITCHYARD_", extra="ignore", frozen=True)

    home: Path = Field(
        default=Path(".switchyard"), description="folder for everything that Switchyard writes"
    )
    profile: str = Field(
        default="quick", description="size of a campaign: tiny, quick, full, or a YAML file's path"
    )
    pooling: Literal["allow", "forbid"] = Field(
        default="allow", description="forbid: rows of several substations are never trained on together"
    )
    substations: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="comma-separated names that this service answers for; empty: all in the snapshot",
    )
    substations_dir: Path | None = Field(
        default=None, description="folder with your own substations, one folder each"
    )
    reject_share: float = Field(
        default=0.01, ge=0, le=1, description="share of rejected rows in a table above which a run stops"
    )
    workers: int = Field(default=2, ge=1, description="simulation and training processes")
    deadline_s: float = Field(
        default=10.0, gt=0, le=120, description="seconds within which a request is answered or told off"
    )
    tls_cert: Path | None = Field(default=None, description="the service's certificate with its chain, PEM")
    tls_key: Path | None = Field(default=None, description="the private key of that certificate, PEM")
    client_ca: Path | None = Field(
        default=None, description="authority whose client certificates the service asks for, PEM"
    )
    insecure: bool = Field(
        default=False, description="let a service without keys and client certificates answer other machines"
    )
    audit_mib: int = Field(default=16, ge=1, description="size from which on a new audit log is begun, MiB")
    audit_files: int = Field(default=8, ge=1, le=1000, description="audit logs that are kept")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="least severe line shown"
    )

    @field_validator("substations", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    def model_post_init(self, _context: object) -> None:
        """Make the folder settings absolute, so that a child process in another folder sees the same."""
        for name in ("substations_dir", "tls_cert", "tls_key", "client_ca"):
            path = getattr(self, name)
            if path is not None:
                object.__setattr__(self, name, path.expanduser().absolute())

    @property
    def folders(self) -> Home:
        """The folders below `home`."""
        return Home(self.home)


@cache
def get_settings() -> Settings:
    """Settings of this process, read once.

    Raises:
        ConfigurationError: An environment variable has a value that its setting does not allow.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "SWITCHYARD_" + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigurationError(
            f"{name} = {first.get('input')!r}: {first['msg']}", "correct or unset the variable"
        ) from error
