"""Tables that the simulator itself makes fast enough: equipment, hot days, loads."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import numpy as np

import substations
from simulation.ageing.campaign import Span, observe_assets
from simulation.demand import simulate_load
from simulation.tables.assets import write_assets
from simulation.tables.standing import write_load
from simulation.tables.thermal import write_thermal
from switchyard.profiles import Profile


def write_equipment(folder: Path, substation: str) -> None:
    """The table `assets` of a year of a station's equipment, by the simulator itself."""
    described = substations.read(substation)
    observed = observe_assets(described, Span(date(2025, 1, 1), 40, 1, "tiny", 7), 20_000.0)
    write_assets(folder / "assets" / "assets-00000.parquet", described, observed)


def write_hot_days(folder: Path, substation: str, profile: Profile) -> None:
    """The table `thermal` of two days out of every three, so that each split has some."""
    days = msgspec.structs.replace(profile.simulation.thermal, episodes=12, days=2)
    simulation = msgspec.structs.replace(profile.simulation, load_days=40, thermal=days)
    write_thermal(
        folder / "thermal" / "thermal-00000.parquet",
        substations.read(substation),
        msgspec.structs.replace(profile, simulation=simulation),
    )


def write_loads(folder: Path, substation: str, profile: Profile) -> None:
    """The table `load` of forty days, by the simulator itself."""
    described, days = substations.read(substation), 40
    loads = simulate_load(described, profile.simulation.start, days, "tiny", 7)
    write_load(folder / "load" / "load-00000.parquet", loads, np.zeros(24 * days))
