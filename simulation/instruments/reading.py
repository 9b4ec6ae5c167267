"""Everything that the instruments of a station say about one episode."""

from __future__ import annotations

from simulation.errors import SimulationError
from simulation.instruments.captures import Captured, take_captures
from simulation.instruments.devices import Transfers
from simulation.instruments.distortion import arriving, meter_distortion
from simulation.instruments.flicker import meter_flicker
from simulation.instruments.meters import Meters
from simulation.instruments.observation import Readings, observe
from simulation.scenario.episode import Episode


def read_episode(
    episode: Episode, meters: Meters, transfers: Transfers
) -> tuple[Readings, tuple[Captured, ...]]:
    """Read all meters in every second, and take the captures where the episode's harmonics were solved.

    Args:
        episode: A solved episode.
        meters: Nameplates.
        transfers: The same devices beyond the fundamental.

    Raises:
        SimulationError: The episode was not solved.
    """
    scenario, states, timeline, f_hz = episode.scenario, episode.states, episode.timeline, episode.f_hz
    if states is None or timeline is None or f_hz is None:
        raise SimulationError(f"{scenario}: there is nothing to read in an episode that was not solved")
    rng, distorted = scenario.generator("meters"), episode.distorted
    if distorted is None:
        return observe(rng, meters, states, timeline, f_hz, malfunctions=episode.malfunctions), ()
    last_hz = float(f_hz[-1])
    on_the_day = transfers.on_a_day(scenario.generator("transfers"))
    arrived = arriving(distorted.states, on_the_day, last_hz)
    metered = meter_distortion(scenario.generator("distortion"), distorted, arrived, meters)
    fluctuation, flicker = episode.fluctuation, None
    if fluctuation is not None:
        flicker = meter_flicker(scenario.generator("flicker"), fluctuation, meters)
    readings = observe(
        rng,
        meters,
        states,
        timeline,
        f_hz,
        malfunctions=episode.malfunctions,
        distortion=metered,
        flicker=flicker,
    )
    captured = take_captures(
        scenario.generator("captures"),
        distorted,
        arrived,
        on_the_day,
        readings,
        meters=meters,
        f_hz=last_hz,
    )
    return readings, captured
