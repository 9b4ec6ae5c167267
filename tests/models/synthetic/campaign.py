"""A small synthetic campaign as datasets, in place of the simulator's.

It stands in where only the way from tables to a version is tested.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

import substations
from data_contracts.dataset import Dataset
from simulation.tables.customers import write_customers
from simulation.tables.dispatch import write_dispatch
from switchyard.home import Home
from switchyard.profiles import Profile
from tests.models.synthetic.banks import write_banks
from tests.models.synthetic.dispatch import dispatched_hours
from tests.models.synthetic.episodes import write_kind
from tests.models.synthetic.frequency import write_frequency
from tests.models.synthetic.harmonics import write_harmonics
from tests.models.synthetic.losses import write_controls, write_losses
from tests.models.synthetic.quality import write_quality
from tests.models.synthetic.simulated import write_equipment, write_hot_days, write_loads
from tests.models.synthetic.stability import write_states
from tests.models.synthetic.transfers import write_transfers
from tests.models.synthetic.voltage_events import write_voltage_events


def write_dataset(home: Home, profile: Profile, substation: str, counts: dict[str, int]) -> Path:
    """A dataset of `substation` in `home`."""
    rng = np.random.default_rng(len(substation))
    folder = home.dataset(profile.dataset(substation))
    for kind, count in counts.items():
        own = {"harmonic": write_harmonics, "frequency": write_frequency, "quality": write_quality}
        write = own.get(kind) or partial(write_kind, kind=kind)
        write(folder, substation, count=count, rng=rng)
    write_customers(folder / "customers" / "customers-00000.parquet", substations.read(substation), profile)
    write_losses(folder, substation, 400, rng)
    write_controls(folder, substation, 80)
    write_transfers(folder, substation, 100, rng)
    write_banks(folder, substation, 200, rng)
    write_dispatch(folder / "dispatch" / "dispatch-00000.parquet", dispatched_hours())
    write_states(folder, substation, 160)
    write_equipment(folder, substation)
    write_hot_days(folder, substation, profile)
    write_voltage_events(folder, substation, profile, rng)
    write_loads(folder, substation, profile)
    Dataset.write_manifest(
        folder,
        substation=substation,
        profile=profile.name,
        seed=profile.seed,
        circuit_digest=substations.read(substation).digest,
    )
    return folder


COUNTS = {
    "normal": 120,
    "fault": 60,
    "unbalance": 80,
    "instrument": 90,
    "harmonic": 100,
    "frequency": 40,
    "quality": 80,
}
