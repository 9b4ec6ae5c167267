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
        if self.substations_dir is not None:
            object.__setattr__(self, "substations_dir", self.substations_dir.expanduser().absolute())

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
