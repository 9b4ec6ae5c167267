"""A small synthetic campaign: phasors with unbalance and events behind class 0.5 instruments, as a dataset.

It stands in for the simulator where only the way from tables to a version is tested. Voltages are symmetrical
components with slow movement; meters have a gain error per phase and noise; line voltages follow from the
same phasors.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import features
import substations
from data_contracts.dataset import Dataset
from switchyard.home import Home
from switchyard.identity import ScenarioId
from switchyard.profiles import Profile, load_profile

SECONDS, WINDOW = 20, 10
POINTS = ("DTX1.LV", "LV1", "F331")
V_NOM = 33e3 / np.sqrt(3)
ERROR_PU = 0.005
TURN = np.exp(-2j * np.pi / 3)
START = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
INSTRUMENT = ("drift", "stuck", "spike", "dead", "swapped")


@dataclass
class Drawn:
    """Truth and readings of n windows of ten seconds, per unit: [n, 20, 3] phasors and what meters said."""

    phasor: np.ndarray
    v: np.ndarray
    v_ll: np.ndarray
    v_min: np.ndarray
    v_max: np.ndarray
    event: np.ndarray
    severity: np.ndarray
    active: np.ndarray


def components(v0, v1, v2):
    """Phase phasors [..., 3] of zero, positive and negative sequence."""
    turns = np.array([1, TURN, TURN**2])
    return v0[..., None] + v1[..., None] * turns + v2[..., None] * turns.conj()


def polar(rng, size, scale):
    return scale * np.exp(2j * np.pi * rng.random(size))


def draw(rng: np.random.Generator, kind: str, n: int) -> Drawn:
    """n series of twenty seconds in which what `kind` names may happen from the fourth second on."""
    shape = (n, SECONDS)
    slow = np.cumsum(rng.normal(0, 2e-4, shape), axis=1)
    v1 = 1.0 + rng.normal(0, 0.012, (n, 1)) + slow + 0j
    tapped = rng.random(n) < 0.15
    step = np.where(tapped, rng.choice([-0.0125, 0.0125], n), 0.0)
    v1 = v1 + step[:, None] * (np.arange(SECONDS) >= rng.integers(1, SECONDS, (n, 1)))
    v2 = np.repeat(polar(rng, (n, 1), 0.004 * np.abs(rng.normal(1, 0.4, (n, 1)))), SECONDS, axis=1)
    v0 = np.repeat(polar(rng, (n, 1), 0.003), SECONDS, axis=1)
    onset = rng.integers(3, 8, (n, 1))
    on = np.arange(SECONDS) >= onset
    event = np.full(n, "none", dtype=object)
    severity = np.full(n, np.nan)
    half_cycle = np.zeros(shape)
    if kind == "unbalance":
        size = np.exp(rng.uniform(np.log(0.008), np.log(0.2), (n, 1)))
        v2 = v2 + on * polar(rng, (n, 1), size)
        v0 = v0 + on * polar(rng, (n, 1), 0.3 * size)
        event[:] = rng.choice(["open_conductor", "traction"], n)
        severity = size[:, 0] / ERROR_PU
    if kind == "fault":
        depth = np.exp(rng.uniform(np.log(0.005), np.log(0.1), (n, 1)))
        up = rng.random((n, 1)) < 0.5
        on = on & (np.arange(SECONDS) < onset + rng.integers(1, 4, (n, 1)))
        v1 = v1 + np.where(up, depth, -depth) * on
        half_cycle = on * depth
        event[:] = np.where(up[:, 0], "swell", "sag")
        severity = depth[:, 0] / ERROR_PU
    phasor = components(v0, v1, v2)
    gain = 1 + rng.uniform(-0.6, 0.6, (n, 1, 3)) * ERROR_PU
    measured = phasor * gain * (1 + rng.normal(0, 2e-5, phasor.shape))
    line = np.abs(measured - np.roll(measured, -1, axis=2)) / np.sqrt(3)
    v = np.abs(measured)
    if kind == "instrument":
        event[:] = rng.choice(INSTRUMENT, n)
        severity = np.exp(rng.uniform(0, np.log(20), n))
        phase = rng.integers(3, size=n)
        size = severity * ERROR_PU
        passed = np.maximum(np.arange(SECONDS) - onset, 0)
        for at in range(n):
            series = v[at, :, phase[at]]
            match event[at]:
                case "drift":
                    series = series + size[at] * np.minimum(passed[at] / 6.0, 1.0)
                case "stuck":
                    series = np.where(on[at], series[onset[at, 0]], series)
                case "spike":
                    series = series + size[at] * (passed[at] % 5 == 2)
                case "dead":
                    series = np.where(on[at], 0.01, series)
                case "swapped":
                    series = np.where(on[at], series * (1 + size[at]), series)
            v[at, :, phase[at]] = series
    ripple = np.abs(rng.normal(0, 1e-4, v.shape))
    return Drawn(
        phasor=phasor,
        v=v,
        v_ll=line,
        v_min=v - ripple - half_cycle[..., None],
        v_max=v + ripple + half_cycle[..., None],
        event=event,
        severity=severity,
        active=on & (event != "none")[:, None],
    )


def write_kind(folder: Path, substation: str, kind: str, count: int, rng: np.random.Generator) -> None:
    """One part of the tables `readings_truth` and `features` with `count` episodes spread over forty days."""
    n = count * len(POINTS)
    drawn = draw(rng, kind, n)
    ids = [str(ScenarioId(substation, "tiny", 7, kind, index)) for index in range(count)]
    scenario = np.repeat(ids, len(POINTS))
    point = np.tile(sorted(POINTS), count)
    begin = START + 86400.0 * np.repeat(rng.permutation(count) % 40, len(POINTS)) + 3600.0
    t = (begin[:, None] + np.arange(SECONDS)).astype(np.int64) * 1000
    true = np.abs(drawn.phasor) * V_NOM
    line = np.abs(drawn.phasor - np.roll(drawn.phasor, -1, axis=2)) * V_NOM
    turns = np.array([1, TURN.conj(), TURN.conj() ** 2])
    positive = (drawn.phasor * turns).mean(axis=2)
    negative = (drawn.phasor * turns.conj()).mean(axis=2)
    flat = {
        "scenario_id": np.repeat(scenario, SECONDS),
        "point": np.repeat(point, SECONDS),
        "t": pa.array(t.ravel(), pa.timestamp("ms", tz="UTC")),
        **{f"v_{phase}_v": true[..., at].ravel() for at, phase in enumerate("abc")},
        **{f"v_{pair}_v": line[..., at].ravel() for at, pair in enumerate(("ab", "bc", "ca"))},
        "vuf_pct": (100 * np.abs(negative) / np.abs(positive)).ravel(),
        "event": np.where(drawn.active, drawn.event[:, None], "none").ravel(),
        "severity": pa.array(np.repeat(drawn.severity, SECONDS), from_pandas=True),
        "active": drawn.active.ravel(),
    }
    (folder / "readings_truth").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(flat), folder / "readings_truth" / f"{kind}-00000.parquet")
    ends = np.array([WINDOW, SECONDS])
    cut = lambda x: np.concatenate([x[:, end - WINDOW : end] for end in ends])  # noqa: E731
    v = cut(drawn.v) * V_NOM
    i = np.full_like(v, 400.0)
    nominal = features.PointNominals(V_NOM, 1000.0, 50e6, 50.0, 19800.0)
    windows = features.Windows.from_arrays(
        v=v,
        i=i,
        p=-v * i * 0.95,
        q=-v * i * 0.31,
        f=np.full(v.shape[:2], 50.0),
        t_end=np.concatenate([t[:, end - 1] for end in ends]) / 1000.0,
        nominals=nominal,
        v_ll=cut(drawn.v_ll) * V_NOM * np.sqrt(3),
        v_min=cut(drawn.v_min) * V_NOM,
        v_max=cut(drawn.v_max) * V_NOM,
    )
    computed = features.compute(windows)
    table = {
        "scenario_id": np.tile(scenario, 2),
        "point": np.tile(point, 2),
        "t": pa.array((windows.t_end * 1000).astype(np.int64), pa.timestamp("ms", tz="UTC")),
        **{name: computed[:, at] for at, name in enumerate(features.NAMES)},
    }
    (folder / "features").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), folder / "features" / f"{kind}-00000.parquet")


def write_dataset(home: Home, profile: Profile, substation: str, counts: dict[str, int]) -> Path:
    """A dataset of `substation` in `home`."""
    rng = np.random.default_rng(abs(hash(substation)) % 1 + len(substation))
    folder = home.dataset(profile.dataset(substation))
    for kind, count in counts.items():
        write_kind(folder, substation, kind, count, rng)
    Dataset.write_manifest(
        folder,
        substation=substation,
        profile=profile.name,
        seed=profile.seed,
        circuit_digest=substations.read(substation).digest,
    )
    return folder


# MLflow 3.17 and skops 0.16 use what their dependencies call deprecated; nothing of ours does.
FOREIGN_WARNINGS = (
    "ignore:The ``noload`` loader strategy:DeprecationWarning",
    "ignore:.*Any type hint is inferred:UserWarning",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == Path(__file__).parent:
            for text in FOREIGN_WARNINGS:
                item.add_marker(pytest.mark.filterwarnings(text))


COUNTS = {"normal": 120, "fault": 60, "unbalance": 80, "instrument": 90}


@pytest.fixture(scope="session")
def profile() -> Profile:
    return load_profile("tiny")


@pytest.fixture(scope="session")
def campaign(tmp_path_factory, profile) -> Home:
    """A home with the synthetic datasets of the tiny profile."""
    home = Home(tmp_path_factory.mktemp("campaign"))
    for substation in profile.substations:
        write_dataset(home, profile, substation, COUNTS)
    return home


@pytest.fixture(scope="session")
def folders(campaign, profile) -> dict[str, Path]:
    return {name: campaign.dataset(profile.dataset(name)) for name in profile.substations}


STEP = "5" * 64


@pytest.fixture(scope="session")
def trained(campaign, profile, folders):
    """Both models trained and registered in the campaign's home, by name."""
    from models import training
    from models.catalogue import DEFINED

    return {
        name: training.train(name, profile, campaign, folders, STEP + name, tags={"claim": "none"})
        for name in DEFINED
    }
