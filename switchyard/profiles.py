"""Profiles: how large a campaign is. Trial counts, never timeouts, so that a profile has one outcome."""

from __future__ import annotations

from datetime import date
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec
import yaml

from switchyard.digests import digest_json
from switchyard.errors import ConfigurationError

NAMES = ("tiny", "quick", "full")

Count = Annotated[int, msgspec.Meta(ge=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class Episodes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many episodes of a kind each substation lives through, and how long each is."""

    count: Count
    seconds: Annotated[int, msgspec.Meta(ge=10, le=3600)]


class States(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of a campaign's quarters are solved for what the station loses.

    Attributes:
        stride: Quarters of an hour from one state to the next; 0 for none.
        full_days: Days at the campaign's end of which every quarter is solved.
        controls: States, on as many days, of which the settings of taps and capacitor steps are solved.
        tap_window: Tap positions to either side of the present one.
    """

    stride: Count = 0
    full_days: Count = 0
    controls: Count = 0
    tap_window: Positive = 1


class Transfers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Situations of which every transfer of feeders and traction supplies is solved.

    Attributes:
        states: Number, spread evenly over the campaign; 0 for no such table.
        feeders: Feeders moved at most at a time.
    """

    states: Count = 0
    feeders: Positive = 2


class Thermal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Episodes that the transformers of each substation live through by the minute.

    Attributes:
        episodes: Number, spread evenly over the campaign; 0 for no such table.
        days: Days of each.
    """

    episodes: Count = 0
    days: Annotated[int, msgspec.Meta(ge=1, le=14)] = 1


class Simulation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sizes of the simulated campaign.

    Attributes:
        start: First local day.
        load_days: Days of 15-min load per feeder; episodes start within them.
        grid_hours: System hours for which the transmission grid is dispatched.
        part_scenarios: Scenarios in one part; a part is solved by one engine from a fresh compile.
        episodes: By scenario kind.
        customers: Customers of each substation's feeders; 0 for none.
        asset_years: Years of daily rows of each asset, the last of them the campaign's; 0 for none.
        thermal: Minutes of the transformers' temperatures.
        states: Solved states and settings.
        transfers: Solved transfers of feeders and traction supplies.
    """

    start: date
    load_days: Positive
    grid_hours: Positive
    part_scenarios: Positive
    episodes: dict[str, Episodes]
    customers: Count = 0
    asset_years: Count = 0
    thermal: Thermal = Thermal()
    states: States = States()
    transfers: Transfers = Transfers()


class Features(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds between the ends of two windows of one episode."""

    stride_s: Positive


class Tuning(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Optuna trials per model, folds of the group cross-validation, and the rows that tuning sees at most."""

    trials: dict[str, Positive]
    folds: Annotated[int, msgspec.Meta(ge=2)]
    max_rows: Positive


class Federation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Models to federate."""

    models: tuple[str, ...]


class Answers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Held-out episodes per substation that the endpoint is asked about at the end of a run."""

    episodes_per_substation: Positive


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One campaign's size; `switchyard/profiles/<name>.yaml`.

    `challengers` are further algorithms of models, with their trials: trained after the first one, they
    become champion where the rule says so.
    """

    name: str
    seed: Count
    training: tuple[str, ...]
    held_out: tuple[str, ...]
    simulation: Simulation
    features: Features
    models: tuple[str, ...]
    tuning: Tuning
    federation: Federation
    answers: Answers
    challengers: dict[str, dict[str, Positive]] = {}

    @property
    def substations(self) -> tuple[str, ...]:
        """Training substations, then held-out ones."""
        return self.training + self.held_out

    @property
    def digest(self) -> str:
        """Digest of every value."""
        return digest_json(msgspec.to_builtins(self))

    def only(self, substation: str) -> Profile:
        """The same profile with `substation` as the only one that trains; it is not held out then."""
        return msgspec.structs.replace(
            self,
            training=(substation,),
            held_out=tuple(name for name in self.held_out if name != substation),
        )

    def dataset(self, substation: str) -> str:
        """Name of the dataset that this profile makes for `substation`."""
        return f"{self.name}.{substation}"


def load_profile(name: str) -> Profile:
    """Read a shipped profile by name, or one of your own by its path.

    Raises:
        ConfigurationError: No such profile, or a key or value in it is wrong; the message names both.
    """
    if name in NAMES:
        source = f"switchyard/profiles/{name}.yaml"
        text = resources.files("switchyard").joinpath("profiles", f"{name}.yaml").read_text(encoding="utf-8")
    elif Path(name).is_file():
        source, text = name, Path(name).read_text(encoding="utf-8")
    else:
        raise ConfigurationError(
            f"profile {name!r} does not exist",
            f"choose one of {', '.join(NAMES)}, or give the path of a YAML file",
        )
    try:
        profile = msgspec.convert(yaml.safe_load(text), Profile)
    except (msgspec.ValidationError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{source}: {error}", "see the shipped profiles for the keys") from error
    _check(profile, source)
    return profile


def _check(profile: Profile, source: str) -> None:
    both = set(profile.training) & set(profile.held_out)
    if both:
        raise ConfigurationError(
            f"{source}: {', '.join(sorted(both))} cannot be both training and held_out",
            "keep each in one list",
        )
    if not profile.training:
        raise ConfigurationError(f"{source}: training is empty", "name at least one substation")
    untuned = [model for model in profile.models if model not in profile.tuning.trials]
    if untuned:
        raise ConfigurationError(
            f"{source}: tuning.trials lacks {', '.join(untuned)}", "give each model a number of trials"
        )
    unknown = [model for model in profile.challengers if model not in profile.models]
    if unknown:
        raise ConfigurationError(
            f"{source}: challengers names {', '.join(unknown)}, which models does not", "add or remove it"
        )
    strangers = [model for model in profile.federation.models if model not in profile.models]
    if strangers:
        raise ConfigurationError(
            f"{source}: federation.models names {', '.join(strangers)}, which models does not",
            "add or remove it",
        )
