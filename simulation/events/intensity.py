"""The true intensity of voltage events, hour by hour: what a model that knew everything would say.

The process is drawn from the campaign's name and seed alone, without the engine: whoever has a profile can
ask for its intensity again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation.demand import FeederLoads
from simulation.events.covariates import Hourly, hourly_covariates
from simulation.events.process import Arrivals, draw_arrivals, excitation_per_h
from simulation.events.streams import CAUSES, Stream, baseline_per_h, streams_of
from simulation.noise import Floats
from substations.description import Substation
from switchyard.identity import generator


@dataclass(frozen=True, slots=True)
class Campaign:
    """Voltage events of one substation in one campaign.

    Attributes:
        hourly: What drives them.
        streams: Their sources, s of them.
        baseline_per_h: Intensity of each stream without memory, 1/h, shape [h, s].
        arrivals: When they came, with the intensity just before.
    """

    hourly: Hourly
    streams: tuple[Stream, ...]
    baseline_per_h: Floats
    arrivals: Arrivals

    @classmethod
    def of(cls, substation: Substation, loads: FeederLoads, campaign: str, seed: int) -> Campaign:
        """Draw a campaign's events.

        Args:
            substation: Its description.
            loads: Load of its feeders and the weather over the whole campaign.
            campaign: Name of the profile.
            seed: The campaign's seed.
        """
        hourly = hourly_covariates(substation, loads, campaign, seed)
        streams = streams_of(substation)
        baseline = baseline_per_h(substation, streams, hourly)
        rng = generator(substation.name, campaign, str(seed), "events")
        return cls(hourly, streams, baseline, draw_arrivals(rng, streams, baseline))

    def by_cause(self, intensity_per_h: Floats) -> Floats:
        """Sum intensities of streams [..., s] over those of one cause, in the order of CAUSES, [..., 4]."""
        of = np.array([CAUSES.index(stream.cause) for stream in self.streams])
        return np.stack([intensity_per_h[..., of == k].sum(axis=-1) for k in range(len(CAUSES))], axis=-1)

    def hourly_intensity(self) -> dict[str, Floats]:
        """Mean intensity λ of each cause in each hour given all that came before it, 1/h, shape [h] each.

        Nothing better can be said of the number of events in an hour when it begins, but for offspring of the
        hour's own incipient faults.
        """
        excited = excitation_per_h(self.arrivals, len(self.streams), self.hourly.t.size)
        together = self.by_cause(self.baseline_per_h + excited)
        return {cause: together[:, k] for k, cause in enumerate(CAUSES)}
