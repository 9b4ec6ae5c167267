"""What a run is about: one home, one profile, one set of settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from switchyard.home import Home
from switchyard.profiles import Profile, load_profile
from switchyard.settings import Settings, get_settings


@dataclass(frozen=True, slots=True)
class Job:
    """What every stage is told.

    Attributes:
        home: The installation's folders.
        profile: Sizes of the campaign, its substations and models.
        settings: What the operator set.
    """

    home: Home
    profile: Profile
    settings: Settings

    @classmethod
    def of(cls, profile: str, home: str | None = None) -> Job:
        """The job that a flow's parameters name; without a home that of the settings.

        Raises:
            ConfigurationError: The profile does not exist or has a wrong key, or a setting is wrong.
        """
        settings = get_settings()
        folders = settings.folders if home is None else Home(Path(home))
        return cls(folders, load_profile(profile), settings)

    def dataset(self, substation: str) -> Path:
        """Folder of the dataset of `substation`."""
        return self.home.dataset(self.profile.dataset(substation))

    @property
    def datasets(self) -> dict[str, Path]:
        """Folder of each substation's dataset."""
        return {substation: self.dataset(substation) for substation in self.profile.substations}
