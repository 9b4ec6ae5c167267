"""A campaign of three substations and a held-out one, small enough to be written anew for each session.

Feature values are drawn, not computed: what is tested here is what federation does with rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import substations
from data_contracts.dataset import Dataset
from federation.confinement import Confinement
from federation.job import Job
from federation.ledger import Ledger
from federation.plans import plan, schema_digest
from federation.rounds import Federation, Outcome, federate_rounds
from federation.site import Site
from federation.spec import SiteSpec
from models.catalogue import definition
from simulation.tables.customers import write_customers
from switchyard.home import Home
from switchyard.profiles import Profile, load_profile
from switchyard.settings import get_settings

SITES, HELD_OUT = ("mumbai", "delhi", "bangalore"), ("chennai",)
POINTS = ("DTX1.LV", "F331")
EPISODES, SECONDS = 120, 20
WINDOWED = ("phase_imbalance", "voltage_anomaly", "harmonic_analysis")
MODELS = (*WINDOWED, "frequency_stability")
HARMONIC_EPISODES = 160
# A second is a row with ten minutes before it and the horizon behind it.
FREQUENCY_EPISODES, FREQUENCY_S = 40, 640
ONSET_AT_S = 605


@dataclass(frozen=True)
class Campaign:
    home: Home
    profile: Profile

    @property
    def sites(self) -> dict[str, Path]:
        return {name: self.home.dataset(self.profile.dataset(name)) for name in SITES}

    @property
    def held_out(self) -> dict[str, Path]:
        return {name: self.home.dataset(self.profile.dataset(name)) for name in HELD_OUT}


@pytest.fixture(scope="session")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    profile = msgspec.structs.replace(load_profile("tiny"), training=SITES, held_out=HELD_OUT, models=MODELS)
    home = Home(tmp_path_factory.mktemp("campaign") / "home")
    for number, name in enumerate((*SITES, *HELD_OUT)):
        write_dataset(home.dataset(profile.dataset(name)), name, profile, np.random.default_rng(number))
    return Campaign(home, profile)


def write_dataset(folder: Path, substation: str, profile: Profile, rng: np.random.Generator) -> None:
    columns = tuple(dict.fromkeys(name for model in WINDOWED for name in definition(model).columns))
    sizes = {
        "normal": 2 * EPISODES,
        "instrument": EPISODES,
        "unbalance": EPISODES,
        "harmonic": HARMONIC_EPISODES,
    }
    for kind, episodes in sizes.items():
        keys, events = draw_episodes(substation, profile, kind, episodes, rng)
        n = len(keys["scenario_id"])
        vuf_pct = np.abs(rng.normal(0.4, 0.3, n))
        if kind == "unbalance":
            vuf_pct = rng.uniform(1.0, 16.0, n)
        features = {name: rng.normal(size=n) for name in columns}
        features["v_mean_pu"] = 1.0 + 0.01 * rng.normal(size=n)
        for name in ("vuf_line_pct", "vuf_joint_pct"):
            features[name] = vuf_pct + 0.1 * rng.normal(size=n)
        if kind == "instrument":
            struck = rng.integers(3, size=n)
            for at, name in enumerate(("v_spike_pu", "v_step_diff_pu", "v_drift_pu")):
                features[name] = np.where(struck == at, features[name] + 30.0, features[name])
        if kind == "harmonic":
            features |= write_captures(folder, keys, rng)
        save(folder, "features", kind, keys, features)
        seconds = {name: np.repeat(values, 10) for name, values in keys.items()}
        seconds["t"] = seconds["t"] + 1000 * np.tile(np.arange(-9, 1), n)
        truth = {name: np.full(10 * n, 1.0) for name in definition("phase_imbalance").truth_columns}
        truth |= {
            "vuf_pct": np.repeat(vuf_pct, 10),
            "severity": np.full(10 * n, 12.0),
            "active": np.full(10 * n, kind != "normal"),
            "event": np.repeat(events, 10),
        }
        save(folder, "readings_truth", kind, seconds, truth)
        save(folder, "readings", kind, seconds, {})
    write_frequency(folder, substation, profile, rng)
    write_customers(folder / "customers" / "customers-00000.parquet", substations.read(substation), profile)
    Dataset.write_manifest(
        folder, substation=substation, profile=profile.name, seed=profile.seed, circuit_digest="c" * 64
    )


def write_captures(
    folder: Path, keys: dict[str, np.ndarray], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Distortion behind transformers that lose a fifth of the fifth harmonic; returns what is seen of it."""
    n = len(keys["t"])
    fifth, other = rng.uniform(0.3, 6.0, n), rng.uniform(0.1, 2.0, n)
    orders = np.zeros((n, 40))
    orders[:, 4], orders[:, 6] = fifth, other
    lists = pa.array(list(orders), pa.list_(pa.float64()))
    truth = {f"thd_v_{phase}_pct": np.hypot(fifth, other) for phase in "abc"}
    save(folder, "waveforms_truth", "harmonic", keys, truth | {f"v_{phase}_h_pct": lists for phase in "abc"})
    save(folder, "waveforms", "harmonic", keys, {"quality": np.zeros(n, dtype=np.int8)})
    seen = np.hypot(0.8 * fifth, other) * (1.0 + 0.01 * rng.normal(size=n))
    drawn = {name: np.abs(rng.normal(size=n)) for name in definition("harmonic_analysis").optional}
    return {
        **drawn,
        "h5_v_pct": 0.8 * fifth,
        "thd_v_wave_pct": seen,
        "thd_worst_pct": np.where(rng.random(n) < 0.2, np.nan, seen),
    }


def write_frequency(folder: Path, substation: str, profile: Profile, rng: np.random.Generator) -> None:
    """Frequency that swings slowly and falls after an event, exponentially towards a new level."""
    begin = datetime(2025, 1, 1, 6, tzinfo=UTC).timestamp()
    episode, second = np.divmod(np.arange(FREQUENCY_EPISODES * FREQUENCY_S), FREQUENCY_S)
    # One episode a day, so that every split has its share.
    t = begin + 86_400.0 * (episode % profile.simulation.load_days) + second
    phase = rng.uniform(0.0, 6.3, FREQUENCY_EPISODES)[episode]
    since = np.where(second >= ONSET_AT_S, second - ONSET_AT_S + 0.5, np.nan)
    size = rng.choice([-1.0, 1.0], FREQUENCY_EPISODES) * rng.uniform(0.1, 0.4, FREQUENCY_EPISODES)
    fall = size[episode] * (1.0 - np.exp(-np.nan_to_num(since) / 8.0))
    true = 50.0 + 0.01 * np.sin(second / 25.0 + phase) + fall
    keys = {
        "scenario_id": np.asarray(
            [f"{substation}.{profile.name}.{profile.seed}.frequency.{at:06d}" for at in episode], dtype=object
        ),
        "t": (1000 * t).astype(np.int64),
    }
    values = {
        "f_hz": true + 3e-4 * rng.normal(size=t.size),
        "f_true_hz": true,
        "quality": np.zeros(t.size, dtype=np.int8),
        "since_onset_s": pa.array(since, from_pandas=True),
        "shed_pu": np.zeros(t.size),
    }
    save(folder, "frequency", "frequency", keys, values)


def draw_episodes(
    substation: str, profile: Profile, kind: str, episodes: int, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    start = datetime(2025, 1, 1, 6, tzinfo=UTC).timestamp()
    day = rng.integers(profile.simulation.load_days, size=episodes)
    keys = {"scenario_id": [], "point": [], "t": []}
    for index in range(episodes):
        for point in POINTS:
            for second in range(10, SECONDS + 1, 10):
                keys["scenario_id"].append(f"{substation}.{profile.name}.{profile.seed}.{kind}.{index:06d}")
                keys["point"].append(point)
                keys["t"].append(int(1000 * (start + 86_400 * day[index] + second)))
    of_kind = {
        "normal": ["none", "tap_step"],
        "instrument": ["spike"],
        "unbalance": ["open_conductor"],
        "harmonic": ["none"],
    }[kind]
    events = np.asarray(of_kind, dtype=object)[rng.integers(len(of_kind), size=len(keys["t"]))]
    return {
        "scenario_id": np.asarray(keys["scenario_id"], dtype=object),
        "point": np.asarray(keys["point"], dtype=object),
        "t": np.asarray(keys["t"], dtype=np.int64),
    }, events


def save(
    folder: Path, table: str, kind: str, keys: dict[str, np.ndarray], values: dict[str, np.ndarray]
) -> None:
    (folder / table).mkdir(parents=True, exist_ok=True)
    columns = {
        name: part if isinstance(part, pa.Array) else pa.array(part)
        for name, part in {**keys, **values}.items()
    }
    columns["t"] = pa.array(keys["t"], pa.timestamp("ms", tz="UTC"))
    pq.write_table(pa.table(columns), folder / table / f"{kind}-00000.parquet")


class Direct:
    """Carries bytes to sites in this process; `tamper` may change what comes back."""

    def __init__(self, sites: dict[str, Site], tamper: Callable[[int, str, bytes], bytes]) -> None:
        self.sites, self.tamper = sites, tamper
        self.back: list[dict[str, bytes]] = []

    def exchange(self, messages: Mapping[str, bytes]) -> dict[str, bytes]:
        number = len(self.back)
        self.back.append(
            {
                name: self.tamper(number, name, self.sites[name].answer(data))
                for name, data in messages.items()
            }
        )
        return self.back[-1]


@dataclass(frozen=True)
class Bench:
    """A federation whose sites answer in this process."""

    job: Job
    federation: Federation
    transport: Direct
    ledger: Ledger

    def run(self) -> Outcome:
        return federate_rounds(self.federation, self.transport, self.ledger)


def sealed_off(
    campaign: Campaign,
    scratch: Path,
    model: str,
    folders: dict[str, Path] | None = None,
    params: dict[str, float] | None = None,
    tamper: Callable[[int, str, bytes], bytes] = lambda _number, _site, data: data,
) -> Bench:
    """A federation of `model` over the campaign's sites; its ledger lies in `scratch`."""
    job = Job(
        plan(model),
        campaign.profile,
        campaign.home,
        folders or campaign.sites,
        campaign.held_out,
        params or {},
    )
    sites = {name: Site(spec_of(name, model, folder)) for name, folder in job.sites.items()}
    federation = Federation(
        "test", model, job.plan.family, schema_digest(job.plan.definition), job.settings, job.enrolled
    )
    return Bench(job, federation, Direct(sites, tamper), Ledger(scratch / "ledger.jsonl"))


@pytest.fixture(scope="session")
def make_bench(campaign: Campaign) -> Callable[..., Bench]:
    return partial(sealed_off, campaign)


@pytest.fixture
def bench(make_bench: Callable[..., Bench], tmp_path: Path) -> Callable[..., Bench]:
    return partial(make_bench, tmp_path)


def spec_of(name: str, model: str, folder: Path) -> SiteSpec:
    return SiteSpec(name, (model,), folder, date(2025, 1, 1), Confinement(folder, (folder.parent,)))


@pytest.fixture
def pooling_forbidden(monkeypatch):
    monkeypatch.setenv("SWITCHYARD_POOLING", "forbid")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()
