"""A small synthetic campaign: phasors with unbalance and events behind class 0.5 instruments, as a dataset.

It stands in for the simulator where only the way from tables to a version is tested. Voltages are symmetrical
components with slow movement; meters have a gain error per phase and noise; line voltages follow from the
same phasors.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from functools import cache, partial
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import features
import substations
from data_contracts.compensation import POWER_FACTOR, TAN_PHI
from data_contracts.dataset import Dataset
from data_contracts.economic_dispatch import Offers, dispatch_mw
from data_contracts.quality_index import (
    GRADES,
    INDICATORS,
    Limits,
    State,
    grade_codes,
    index_of,
    pst_limit,
    ratios,
)
from data_contracts.tables.stability import ELEMENTS, KNOWN, MARGINS, STABILITY
from data_contracts.transmission import BUSES, OWN_LOADS, UNITS, bus_loads_mw, sensitivities
from features.rearrangement import PAIRS, States, code_of, moves_to, outcomes, reach
from flows import resolving
from models.transfer_rows import bays, moves_text
from simulation.ageing.campaign import Span, observe_assets
from simulation.demand import simulate_load
from simulation.grid import DispatchHour
from simulation.grid.dispatch import LOSS_SHARE, Dispatch
from simulation.grid.fleet import NAMES, Fleet
from simulation.grid.hours import simulate_hours
from simulation.grid.optimum import Optimum
from simulation.tables.assets import write_assets
from simulation.tables.customers import write_customers
from simulation.tables.dispatch import write_dispatch
from simulation.tables.standing import write_load
from simulation.tables.thermal import write_thermal
from substations.settings import grid, reach_of
from substations.station import station_facts
from substations.sweep import Served, sweep
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


def true_voltages(phasor: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of `readings_truth` that follow from phasors per unit, [n, seconds, 3]."""
    true = np.abs(phasor) * V_NOM
    line = np.abs(phasor - np.roll(phasor, -1, axis=2)) * V_NOM
    turns = np.array([1, TURN.conj(), TURN.conj() ** 2])
    positive = (phasor * turns).mean(axis=2)
    negative = (phasor * turns.conj()).mean(axis=2)
    return {
        **{f"v_{phase}_v": true[..., at].ravel() for at, phase in enumerate("abc")},
        **{f"v_{pair}_v": line[..., at].ravel() for at, pair in enumerate(("ab", "bc", "ca"))},
        "vuf_pct": (100 * np.abs(negative) / np.abs(positive)).ravel(),
    }


def write_part(folder: Path, table: str, kind: str, columns: dict[str, object]) -> None:
    (folder / table).mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / table / f"{kind}-00000.parquet")


def write_kind(folder: Path, substation: str, kind: str, count: int, rng: np.random.Generator) -> None:
    """One part of the tables `readings_truth` and `features` with `count` episodes spread over forty days."""
    n = count * len(POINTS)
    drawn = draw(rng, kind, n)
    ids = [str(ScenarioId(substation, "tiny", 7, kind, index)) for index in range(count)]
    scenario = np.repeat(ids, len(POINTS))
    point = np.tile(sorted(POINTS), count)
    begin = START + 86400.0 * np.repeat(rng.permutation(count) % 40, len(POINTS)) + 3600.0
    t = (begin[:, None] + np.arange(SECONDS)).astype(np.int64) * 1000
    key = {
        "scenario_id": np.repeat(scenario, SECONDS),
        "point": np.repeat(point, SECONDS),
        "t": pa.array(t.ravel(), pa.timestamp("ms", tz="UTC")),
    }
    acts = {
        "event": np.where(drawn.active, drawn.event[:, None], "none").ravel(),
        "severity": pa.array(np.repeat(drawn.severity, SECONDS), from_pandas=True),
        "active": drawn.active.ravel(),
    }
    write_part(folder, "readings_truth", kind, key | true_voltages(drawn.phasor) | acts)
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
    write_part(folder, "features", kind, table)


CAPTURED = 9
"""Second of a ten-second episode in which its captures lie."""
RATE_HZ, SAMPLES = 6400.0, 1280
ORDERS = np.arange(1, 41)
EMITTED = np.array([3, 5, 7, 11, 13, 17, 19, 23, 25])


@dataclass
class Spectra:
    """True harmonics of n captures and what a resonant transformer makes of them, complex [n, 3, 40]."""

    true: np.ndarray
    passed: np.ndarray
    f_hz: np.ndarray


def resonant(orders: np.ndarray, at: np.ndarray, damping: float) -> np.ndarray:
    """Response of a second-order low-pass with its resonance at the order `at`, 1 at the fundamental."""
    x = orders / at
    own = 1 / (1 - x**2 + 2j * damping * x)
    return own / own[..., :1]


def draw_spectra(rng: np.random.Generator, n: int) -> Spectra:
    """Spectra of converters of any size behind transformers that resonate near the twelfth order."""
    size = np.exp(rng.uniform(np.log(0.003), np.log(0.1), (n, 1, 1)))
    shape = (0.3 + rng.random((n, 1, EMITTED.size))) / np.sqrt(EMITTED)
    shape = shape / np.sqrt((shape**2).sum(axis=2, keepdims=True))
    true = np.zeros((n, 3, ORDERS.size), dtype=complex)
    true[:, :, 0] = np.array([1, TURN, TURN**2])
    turn = np.exp(2j * np.pi * rng.random((n, 3, EMITTED.size)))
    true[:, :, EMITTED - 1] = size * shape * (1 + 0.1 * rng.normal(size=(n, 3, 1))) * turn
    passed = true * resonant(ORDERS, rng.normal(12.0, 0.4, (n, 1, 1)), 0.35)
    return Spectra(true, passed, 50 + rng.normal(0, 0.02, n))


def distortion_pct(spectrum: np.ndarray) -> np.ndarray:
    """THD of each phase in %, [n, 3]."""
    size = np.abs(spectrum)
    return 100 * np.sqrt((size[..., 1:] ** 2).sum(axis=2)) / size[..., 0]


def sampled(spectra: Spectra, rng: np.random.Generator) -> np.ndarray:
    """Voltages of ten cycles, V, with the noise of a 16-bit converter, [n, 3, samples]."""
    t = np.arange(SAMPLES) / RATE_HZ
    turning = np.exp(2j * np.pi * spectra.f_hz[:, None, None] * ORDERS[:, None] * t)
    v = np.sqrt(2) * V_NOM * np.einsum("nph,nht->npt", spectra.passed, turning).real
    return v + rng.normal(0, 3e-5 * V_NOM, v.shape)


def write_harmonics(folder: Path, substation: str, count: int, rng: np.random.Generator) -> None:
    """Every table of `count` episodes of ten seconds with a capture at each point; samples are not kept."""
    n = count * len(POINTS)
    spectra = draw_spectra(rng, n)
    begin = START + 86400.0 * np.repeat(rng.permutation(count) % 40, len(POINTS)) + 7200.0
    t = begin + CAPTURED
    quiet = draw(rng, "normal", n)
    v = quiet.v[:, -WINDOW:] * V_NOM
    i = np.full_like(v, 400.0)
    metered = distortion_pct(spectra.passed)[:, None] * (1 + rng.normal(0, 0.03, (n, 1, 3)))
    samples = sampled(spectra, rng)
    windows = features.Windows.from_arrays(
        v=v, i=i, p=-v * i * 0.95, q=-v * i * 0.31, f=np.repeat(spectra.f_hz[:, None], WINDOW, axis=1),
        t_end=t, nominals=features.PointNominals(V_NOM, 1000.0, 50e6, 50.0, 19800.0),
        v_ll=quiet.v_ll[:, -WINDOW:] * V_NOM * np.sqrt(3), v_min=quiet.v_min[:, -WINDOW:] * V_NOM,
        v_max=quiet.v_max[:, -WINDOW:] * V_NOM, thd=metered * (1 + rng.normal(0, 0.01, v.shape)),
        waveforms=(features.Waveforms(np.arange(n), RATE_HZ, samples, np.full_like(samples, 400.0)),),
    )  # fmt: skip
    computed = features.compute(windows)
    ids = [str(ScenarioId(substation, "tiny", 7, "harmonic", index)) for index in range(count)]
    key = {
        "scenario_id": np.repeat(ids, len(POINTS)),
        "point": np.tile(sorted(POINTS), count),
        "t": pa.array((t * 1000).astype(np.int64), pa.timestamp("ms", tz="UTC")),
    }
    thd, share = distortion_pct(spectra.true), 100 * np.abs(spectra.true) / np.abs(spectra.true[..., :1])
    truth = {
        **{f"thd_v_{phase}_pct": thd[:, at] for at, phase in enumerate("abc")},
        **{
            f"v_{phase}_h_pct": pa.array(list(share[:, at]), pa.list_(pa.float64()))
            for at, phase in enumerate("abc")
        },
    }
    write_part(folder, "waveforms", "harmonic", key | {"quality": np.zeros(n, dtype=np.int8)})
    write_part(folder, "waveforms_truth", "harmonic", key | truth)
    table = key | {name: computed[:, at] for at, name in enumerate(features.NAMES)}
    write_part(folder, "features", "harmonic", table)
    second = (t[:, None] + np.arange(1 - WINDOW, 1)) * 1000
    seconds = {
        "scenario_id": np.repeat(key["scenario_id"], WINDOW),
        "point": np.repeat(key["point"], WINDOW),
        "t": pa.array(second.ravel().astype(np.int64), pa.timestamp("ms", tz="UTC")),
    }
    nothing = {
        "event": np.full(n * WINDOW, "none"),
        "severity": pa.nulls(n * WINDOW, pa.float64()),
        "active": np.zeros(n * WINDOW, dtype=bool),
    }
    write_part(
        folder, "readings_truth", "harmonic", seconds | true_voltages(quiet.phasor[:, -WINDOW:]) | nothing
    )


EPISODE_S, STEPS_A_SECOND = 900, 5


def swing(rng: np.random.Generator, n: int) -> dict[str, np.ndarray]:
    """Frequency of n episodes, one of two with a step of power after ten minutes: columns [n, seconds].

    2H·f′/f₀ = ΔP + governor − D·Δf in explicit steps; the governor follows beyond its deadband after a lag.
    """
    inertia, damping, droop = rng.uniform(3, 6, n), rng.uniform(0.5, 1.5, n), rng.uniform(8, 14, n)
    onset = np.where(rng.random(n) < 0.5, rng.uniform(620, 860, n), np.inf)
    step = rng.choice([-1, 1], n) * np.exp(rng.uniform(np.log(0.01), np.log(0.06), n))
    f, governor, noise = np.zeros(n), np.zeros(n), np.zeros(n)
    true = np.zeros((n, EPISODE_S))
    dt = 1 / STEPS_A_SECOND
    for k in range(EPISODE_S * STEPS_A_SECOND):
        noise += -noise * dt / 20 + 4e-4 * np.sqrt(dt) * rng.normal(size=n)
        power = noise + step * (k * dt >= onset)
        wanted = -droop * (f - np.clip(f, -3e-4, 3e-4)) - 2e-3 * f / 3e-4
        governor += (wanted - governor) * dt / 4
        f += dt * (power + governor - damping * f) / (2 * inertia)
        true[:, k // STEPS_A_SECOND] += 50 * f / STEPS_A_SECOND
    since = np.arange(1, EPISODE_S + 1) - onset[:, None]
    return {
        "f_true_hz": 50 + true,
        "f_hz": np.round(50 + true + rng.normal(0, 3e-4, true.shape), 3),
        "since_onset_s": np.where(since > 0, since, np.nan),
        "shed_pu": np.zeros(true.shape),
    }


def write_frequency(folder: Path, substation: str, count: int, rng: np.random.Generator) -> None:
    """The table `frequency` of `count` episodes spread over forty days; a reading in five hundred is lost."""
    drawn = swing(rng, count)
    ids = [str(ScenarioId(substation, "tiny", 7, "frequency", index)) for index in range(count)]
    begin = START + 86400.0 * (np.arange(count) * 7 % 40) + 1800.0
    t = (begin[:, None] + np.arange(EPISODE_S)).astype(np.int64) * 1000
    lost = rng.random(drawn["f_hz"].shape) < 0.002
    drawn["f_hz"][lost] = np.nan
    columns = {
        "scenario_id": np.repeat(ids, EPISODE_S),
        "t": pa.array(t.ravel(), pa.timestamp("ms", tz="UTC")),
        "quality": np.where(lost, 2, 0).astype(np.int8).ravel(),
        **{name: pa.array(values.ravel(), from_pandas=True) for name, values in drawn.items()},
    }
    write_part(folder, "frequency", "frequency", columns)


def write_quality(folder: Path, substation: str, count: int, rng: np.random.Generator) -> None:
    """Two windows a point of `count` episodes, and their ten minutes by the published formula."""
    n = count * len(POINTS)
    drawn = draw(rng, "normal", n)
    limits = Limits(*(np.full(n, x) for x in (0.909091, 1.09091, 3.0, 5.0, 3.0, pst_limit(33.0), 0.5)))
    size = np.exp(rng.normal(np.log(0.4), 0.8, (2, n)))
    sagged = rng.random(n) < 0.15
    depth = np.where(sagged, rng.uniform(0.15, 0.6, n), 0.0)
    thd, pst, share = 5.0 * size[0], 0.9 * size[1], rng.uniform(0.7, 1.0, n)
    metered = np.cbrt(pst**3 + (17.58 * depth) ** 3) * rng.normal(1, 0.02, n)
    state = State(
        np.abs(drawn.phasor[:, -1]), true_voltages(drawn.phasor[:, -1:])["vuf_pct"], thd, share * thd, pst,
        depth / 0.5, np.abs(rng.normal(0, 0.05, n)),
    )  # fmt: skip
    found = ratios(state, limits)
    ripple = (pst / 100.0)[:, None, None] * rng.uniform(0.8, 1.2, (n, WINDOW, 3))
    ids = [str(ScenarioId(substation, "tiny", 7, "quality", index)) for index in range(count)]
    begin = START + 86400.0 * np.repeat(rng.permutation(count) % 40, len(POINTS)) + 10800.0
    scenario, point = np.repeat(ids, len(POINTS)), np.tile(sorted(POINTS), count)
    index = index_of(found)
    write_part(
        folder, "power_quality", "quality",
        {
            "scenario_id": scenario, "point": point,
            "t": pa.array((begin * 1000).astype(np.int64), pa.timestamp("ms", tz="UTC")),
            "index": index, "metered_index": np.clip(index + rng.normal(0, 5, n), 0, 100),
            "pst": pst, "thd_pct": thd, "harmonic_pct": share * thd, "flagged": sagged,
            "u_min_pu": 1.0 - depth, "u_max_pu": np.full(n, 1.02), "event_s": np.where(sagged, 0.1, 0.0),
            "swells": np.zeros(n, dtype=np.int32),
            "grade": np.array(GRADES)[grade_codes(index)],
            "worst": np.array(INDICATORS)[found.argmax(axis=1)],
        },
    )  # fmt: skip
    write_part(
        folder, "scenarios", "quality", {"scenario_id": ids, "parameters": ['{"start_s": 300.5}'] * count}
    )
    parts = []
    for end in (WINDOW, SECONDS):
        v = drawn.v[:, end - WINDOW : end] * V_NOM
        windows = features.Windows.from_arrays(
            v=v, i=np.full_like(v, 400.0), p=-v * 380.0, q=-v * 124.0,
            f=50.0 + np.repeat(rng.choice([-1, 1], (n, 1)) * state.f_dev_hz[:, None], WINDOW, axis=1),
            t_end=begin + 580.0 + end - 1,
            nominals=features.PointNominals(V_NOM, 1000.0, 50e6, 50.0, 19800.0),
            v_ll=drawn.v_ll[:, end - WINDOW : end] * V_NOM * np.sqrt(3), v_min=v * (1 - ripple),
            v_max=v * (1 + ripple), pst=np.repeat(metered[:, None], WINDOW, axis=1),
            thd=thd[:, None, None] * rng.normal(1, 0.03, (n, 1, 3)) * np.ones((1, WINDOW, 1)),
        )  # fmt: skip
        parts.append((windows, features.compute(windows)))
    computed = np.concatenate([part for _, part in parts])
    ends = np.concatenate([windows.t_end for windows, _ in parts])
    table = {
        "scenario_id": np.tile(scenario, 2),
        "point": np.tile(point, 2),
        "t": pa.array((ends * 1000).astype(np.int64), pa.timestamp("ms", tz="UTC")),
        **{name: computed[:, at] for at, name in enumerate(features.NAMES)},
    }
    write_part(folder, "features", "quality", table)


def write_losses(folder: Path, substation: str, count: int, rng: np.random.Generator) -> None:
    """The table `losses` of `count` states spread over forty days: nameplates by heat and voltage."""
    facts = station_facts(substations.read(substation))
    matrix = np.array(facts.per_va2)
    load = rng.uniform(0.4, 1.2, (count, 1)) * rng.uniform(0.9, 1.1, (count, len(facts.feeders)))
    p, q = load * np.array(facts.design_p_w), load * np.array(facts.design_q_var)
    by_p, by_q = (np.einsum("nf,fg,ng->n", x, matrix, x) for x in (p, q))
    hot, v = rng.uniform(10, 40, count), rng.normal(1.0, 0.01, count)
    parts = np.stack([by_p, by_q, np.full(count, facts.always_w)], axis=1)
    true = parts * np.stack([(1 + 0.004 * hot) / v**2] * 2 + [v**2], axis=1)
    design = np.array([matrix @ np.array(x) @ np.array(x) for x in (facts.design_p_w, facts.design_q_var)])
    design = np.append(design, facts.always_w) / (design.sum() + facts.always_w)
    names = ("resistive", "reactive", "core")
    t = START + 86400.0 * (np.arange(count) % 40) + 900.0 * (np.arange(count) // 40 * 7 % 96)
    days = [str(ScenarioId(substation, "tiny", 7, "state", index % 40)) for index in range(count)]
    columns = {
        "scenario_id": days,
        "t": pa.array((t * 1000).astype(np.int64), pa.timestamp("ms", tz="UTC")),
        "status": ["ok"] * count,
        "p_metered_w": p.sum(axis=1),
        "q_metered_var": q.sum(axis=1),
        "p_metered_low_w": p @ np.array(facts.low),
        "v_metered_pu": v,
        "nameplate_w": parts.sum(axis=1),
        "ambient_c": hot,
        "ghi_w_m2": rng.uniform(0, 1000, count),
        "wind_m_s": rng.uniform(0, 9, count),
        "taps": [",".join(f"{tap.name}:{rng.integers(6, 11)}" for tap in facts.taps) for _ in days],
        "capacitor_steps": [",".join(f"{bank.name}:{rng.integers(2)}" for bank in facts.banks) for _ in days],
        "total_w": true.sum(axis=1),
        "p_supplied_w": p.sum(axis=1) + true.sum(axis=1),
        **{f"{name}_w": true[:, at] for at, name in enumerate(names)},
        **{f"design_{name}": np.full(count, design[at]) for at, name in enumerate(names)},
    }
    write_part(folder, "losses", "state", columns)


def write_controls(folder: Path, substation: str, count: int) -> None:
    """The table `controls`: the first `count` states of `losses` under the settings next to theirs."""
    facts = station_facts(substations.read(substation))
    circuit = facts.circuit
    p, q = (np.array([x]) / sum(x) for x in (facts.design_p_w, facts.design_q_var))
    losses = pq.read_table(folder / "losses" / "state-00000.parquet").slice(0, count).to_pylist()
    parts = []
    for state in losses:
        shown = [
            dict(pair.split(":") for pair in state[key].split(",")) for key in ("taps", "capacitor_steps")
        ]
        tap = np.array([[np.mean([int(shown[0][unit]) for unit in link.units]) for link in circuit.links]])
        steps = np.array([[float(shown[1][bank.name]) for bank in circuit.banks]])
        around = reach_of(circuit, tap, steps, 1)
        values = around.low[0] + grid(tuple(around.count[0].tolist()))
        served = Served(
            state["p_metered_w"] * p, state["q_metered_var"] * q, np.array([state["v_metered_pu"]])
        )
        links = len(circuit.links)
        every = np.concatenate([around.present, values.astype(float)])[None]
        flow = sweep(circuit, served, every[..., :links], every[..., links:])
        parts.append(
            {
                "scenario_id": [state["scenario_id"]] * len(values),
                "t": pa.array([state["t"]] * len(values), pa.timestamp("ms", tz="UTC")),
                "status": ["ok"] * len(values),
                "taps": [
                    ",".join(
                        f"{unit}:{row[k]}" for k, link in enumerate(circuit.links) for unit in link.units
                    )
                    for row in values
                ],
                "capacitor_steps": [
                    ",".join(f"{bank.name}:{row[links + k]}" for k, bank in enumerate(circuit.banks))
                    for row in values
                ],
                "loss_w": 1.05 * flow.series_w[0, 1:] + flow.core_w[0, 1:],
                "violations": (flow.v_pu[:, 0, 1:] > 1.1).sum(axis=0),
                "overloads": (flow.loading[:, 0, 1:] > 1.0).sum(axis=0),
            }
        )
    (folder / "controls").mkdir(parents=True, exist_ok=True)
    pq.write_table(
        pa.concat_tables([pa.table(part) for part in parts]), folder / "controls" / "state-00000.parquet"
    )


def write_transfers(folder: Path, substation: str, count: int, rng: np.random.Generator) -> None:
    """The table `transfers` of `count` states, one a day: truth is nearly what the meters expect."""
    described = substations.read(substation)
    facts = station_facts(described).movable
    units, feeders = facts.units, (*facts.feeders, *facts.others)
    base = np.array([next(f.base_mw for f in described.feeders if f.id == one.name) for one in feeders])
    uneven = rng.normal(1, 0.08, (count, len(feeders), 3))
    load = 1e6 / 3 * base[:, None] * rng.uniform(0.5, 1.0, (count, len(feeders), 1)) * uneven * (1 + 0.3j)
    side = np.where(np.arange(len(feeders)) < len(facts.feeders), rng.random(load.shape[:2]) < 0.3, False)
    side = side.astype(np.int64)
    carried = np.array([feeder.carried for feeder in feeders])[np.arange(len(feeders)), side]
    nominal = np.array([unit.v_nom_v for unit in units])
    states = States(
        v=nominal[:, None] * rng.normal(1.0, 0.01, (count, len(units), 3)),
        s_va=np.einsum("nfu,nfp->nup", carried, load),
        feeder_va=load,
        side=side,
        supply_va=1e6 * rng.uniform(1, 5, (count, len(facts.supplies))) * (1 + 0.5j),
        pair=rng.integers(3, size=(count, len(facts.supplies))),
        price_per_mwh=np.full(count, 4500.0),
    )
    within = reach(len(facts.feeders), len(facts.supplies))
    expected = outcomes(states, facts)
    true = expected.imbalance_pct * rng.normal(1.0, 0.03, expected.imbalance_pct.shape)
    points = [point.id for point in described.points]
    v, s = np.ones((count, len(points), 3)), np.zeros((count, len(points), 3), dtype=complex)
    at = [points.index(point) for point in bays(described).values()]
    v[:, at], s[:, at] = states.v, -states.s_va
    of = {feeder.id: points.index(feeder.point) for feeder in described.feeders}
    s[:, [of[feeder.name] for feeder in feeders]] = load
    rows, many = [], within.moves.size
    for n in range(count):
        placed = {
            "scenario_id": str(ScenarioId(substation, "tiny", 7, "transfer", n)),
            "status": "ok",
            "t": int(START + 86400 * (n % 40) + 900 * (n % 96)) * 1000,
            "sections": ",".join(
                f"{one.name}:{one.buses[k]}" for one, k in zip(facts.feeders, side[n], strict=False)
            ),
            "traction": ",".join(
                f"{one.name}:{PAIRS[k]}" for one, k in zip(facts.supplies, states.pair[n], strict=True)
            ),
            "running": ",".join(one.name for one in facts.supplies),
        }
        metered = {
            "v_metered_v": v[n].ravel().tolist(),
            "p_metered_w": s[n].real.ravel().tolist(),
            "q_metered_var": s[n].imag.ravel().tolist(),
            "p_traction_metered_w": states.supply_va[n].real.tolist(),
            "q_traction_metered_var": states.supply_va[n].imag.tolist(),
        }
        for k in range(many):
            outcome = {
                "present": k == 0,
                "moves": moves_text(code_of(moves_to(within, k, side[n], states.pair[n])), facts),
                "imbalance_pct": true[n, k],
                "reduction_pct": 100.0 * (1.0 - true[n, k] / true[n, 0]),
                "permitted": bool(expected.allowed[n, k]),
            }
            rows.append(placed | outcome | (metered if k == 0 else dict.fromkeys(metered)))
    table = pa.Table.from_pylist(rows)
    table = table.set_column(
        table.column_names.index("t"), "t", table["t"].cast(pa.timestamp("ms", tz="UTC"))
    )
    (folder / "transfers").mkdir(parents=True, exist_ok=True)
    pq.write_table(table, folder / "transfers" / "transfer-00000.parquet")


def write_banks(folder: Path, substation: str, count: int, rng: np.random.Generator) -> None:
    """The table `compensation` of `count` states over forty days: each bank at the power factor's limit."""
    facts = station_facts(substations.read(substation))
    load = rng.uniform(0.4, 1.2, (count, 1)) * rng.uniform(0.9, 1.1, (count, len(facts.feeders)))
    p, q = load * np.array(facts.design_p_w), load * np.array(facts.design_q_var)
    t = START + 86400.0 * (np.arange(count) % 40) + 900.0 * (np.arange(count) // 40 * 7 % 96)
    steps = np.array([rng.integers(0, bank.steps + 1, count) for bank in facts.banks])
    said = [",".join(f"{bank.name}:{n}" for bank, n in zip(facts.banks, own, strict=True)) for own in steps.T]
    for bank, own in zip(facts.banks, steps, strict=True):
        v, mine = rng.normal(1.02, 0.01, count), np.array([name in bank.feeders for name in facts.feeders])
        in_service = own / bank.steps * v**2
        fed_p, fed_q = p @ mine / bank.q_var, q @ mine / bank.q_var - in_service
        wanted = fed_q + TAN_PHI * fed_p
        best = (in_service + wanted) / (v + bank.x_pu * wanted / v) ** 2
        noise = rng.normal(1.0, 0.004, (6, count))
        columns = {
            "scenario_id": [str(ScenarioId(substation, "tiny", 7, "state", k % 40)) for k in range(count)],
            "t": pa.array((t * 1000).astype(np.int64), pa.timestamp("ms", tz="UTC")),
            "bank": [bank.name] * count,
            "point": [bank.points[0]] * count,
            "status": ["ok"] * count,
            "steps": own,
            "p_fed_metered_w": fed_p * bank.q_var * noise[0],
            "q_fed_metered_var": fed_q * bank.q_var * noise[1],
            "v_metered_pu": v * (1 + 0.2 * (noise[2] - 1)),
            "v_infeed_metered_pu": rng.normal(1.0, 0.01, count),
            "p_feeders_metered_w": list(p * noise[3][:, None]),
            "q_feeders_metered_var": list(q * noise[4][:, None]),
            "taps": [",".join(f"{tap.name}:{rng.integers(6, 11)}" for tap in facts.taps) for _ in said],
            "capacitor_steps": said,
            "ambient_c": rng.uniform(10, 40, count),
            "optimal_var": best * bank.q_var,
            "metered_optimal_var": best * bank.q_var * noise[5],
            "power_factor": np.full(count, POWER_FACTOR),
        }
        write_part(folder, "compensation", bank.name.lower(), columns)


@cache
def dispatched_hours() -> tuple[DispatchHour, ...]:
    """Hours of forty days, most on test days; the lossless dispatch also stands for the AC optimum."""
    rng = np.random.default_rng(5)
    days = np.concatenate([np.arange(40), np.tile([17, 18, 19, 37, 38, 39], 16)])
    t = int(START) - 19800 + np.unique(86400 * days + 3600 * rng.integers(24, size=days.size))
    system = simulate_hours(rng, t, 19800)
    own = system.load_pu[:, None] * rng.uniform(150, 300, (t.size, len(OWN_LOADS)))
    load = bus_loads_mw(4600.0 * system.load_pu + own.sum(axis=1), own)
    fleets = [Fleet.of(system, k) for k in range(t.size)]
    place = [NAMES.index(unit.name) for unit in UNITS]
    offers = Offers(
        *(np.stack([getattr(fleet, one.name)[place] for fleet in fleets]) for one in fields(Offers))
    )
    total, limits = load.sum(axis=1) * (1 + LOSS_SHARE), np.tile(sensitivities().limit_mw, (t.size, 1))
    p_mw = dispatch_mw(offers, total, load * (1 + LOSS_SHARE), limits)[:, np.argsort(place)]
    hours = []
    for k, fleet in enumerate(fleets):
        cost, line = fleet.cost_per_h(p_mw[k]), "line-b02-b03" if k % 3 else ""
        found = Dispatch(p_mw[k], np.zeros(BUSES), cost, line, np.zeros(BUSES))
        best = Optimum(p_mw[k], cost, LOSS_SHARE * load[k].sum(), line, 1.0, 1.05, 99.0)
        hours.append(DispatchHour(int(t[k]), fleet, load[k], 0.25 * load[k], found, found, best, "ok"))
    return tuple(hours)


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


def write_voltage_events(folder: Path, substation: str, profile: Profile, rng: np.random.Generator) -> None:
    """The table `sag_events`: some three events a day, many of them at their hours, at some points each."""
    site = substations.read(substation)
    hours = 24 * profile.simulation.load_days
    first = datetime.combine(profile.simulation.start, datetime.min.time(), UTC).timestamp()
    begin = first - site.utc_offset_s
    local = np.arange(hours) % 24
    per_h = np.stack([0.05 + 0.2 * (local == 15), 0.8 * (local == 8), 0.4 * np.isin(local, (7, 18))])
    cause, hour = np.nonzero(rng.poisson(per_h))
    names = ("fault", "motor_starting", "capacitor_switching")
    points = sorted(point.id for point in site.points if point.kind in {"bus", "feeder"})
    counted = rng.random((len(points), hour.size)) < 0.5
    t = np.round((begin + 3600.0 * (hour + rng.random(hour.size))) * 1000)
    order = np.argsort(t)
    place, which = np.nonzero(counted[:, order])
    at = order[which]
    deep = np.where(cause == 0, rng.uniform(11, 60, hour.size), rng.uniform(3, 6, hour.size))[at]
    lasts = np.array([80.0, 6000.0, 60.0])[cause] * rng.uniform(0.3, 2, hour.size)
    sag_events = {
        "event_id": [f"{substation}.event.{k:05d}" for k in at],
        "point": np.array(points)[place],
        "t": pa.array(t[at].astype(np.int64), pa.timestamp("ms", tz="UTC")),
        "kind": np.where(deep > 10, "sag", "rapid_voltage_change"),
        "depth_pct": deep,
        "duration_ms": lasts[at],
        "cause": np.array(names)[cause[at]],
        "intensity_per_h": per_h[cause, hour][at],
        "total_intensity_per_h": per_h.sum(axis=0)[hour][at],
    }
    write_part(folder, "sag_events", "sag_events", sag_events)


def write_states(folder: Path, substation: str, count: int) -> None:
    """The table `stability`: margins follow from load, line loading and reserve; the last state has none."""
    rng = np.random.default_rng(len(substation))
    known = {name: rng.uniform(0.5, 1.5, count) for name in KNOWN}
    load = rng.uniform(2500, 6500, count)
    loading, reserve = rng.uniform(40, 120, count), rng.uniform(50, 500, count)
    hidden = rng.normal(0, 5, (3, count))
    margins = {
        "voltage": 170 - load / 50 + hidden[0],
        "outages": 150 - loading + hidden[1],
        "frequency": 30 + reserve / 4 + hidden[2],
    }
    scores = np.clip(np.stack([margins[name] for name in MARGINS]), 0, 100)
    least, score = scores.argmin(axis=0), scores.min(axis=0)
    day = np.arange(count) % 40
    begin = START + 86400.0 * day + 3600.0 * rng.integers(0, 18, count)
    status = np.array(["ok"] * (count - 1) + ["infeasible"])
    solved = status == "ok"
    high = loading > 80
    known |= {
        "load_metered_mw": load,
        "neighbour_load_metered_mw": load * rng.uniform(0.4, 1.5, count),
        "loading_max_metered_pct": loading,
        "primary_reserve_declared_mw": reserve,
        "v_min_metered_pu": 1.02 - load / 1e5,
    }
    # A quiet grid, whose failures leave all margins as they are.
    level = {"branch_in_service": 1.0, "plant_units_in_service": 2.0, "plant_v_set_pu": 1.0,
             "bus_v_metered_pu": 1.0, "unit_metered_mw": 20.0, "bus_metered_mw": 280.0 / 39}  # fmt: skip
    elements = {
        name: pa.FixedSizeListArray.from_arrays(
            np.full(count * STABILITY.column(name).length, level.get(name, 0.0)),
            STABILITY.column(name).length,
        ).cast(pa.list_(pa.float64()))
        for name in ELEMENTS
    }
    numbers = {**known, "score": score, **{f"score_{name}": scores[k] for k, name in enumerate(MARGINS)}}
    texts = {
        "stability_class": np.where(score > 80, "stable", np.where(score >= 60, "marginal", "unstable")),
        "limited_by": np.array(MARGINS)[least],
        "limiting_contingency": np.where(high, "line-b01-b02", "line-b02-b03"),
        "worst_contingency": np.where(high, "line-b26-b27", "line-b15-b16"),
        "largest_infeed": np.where(reserve > 300, "unit-b34-coal", "unit-b35-coal"),
    }
    stability = {
        "scenario_id": [str(ScenarioId(substation, "tiny", 7, "contingency", k)) for k in range(count)],
        "t": pa.array((begin * 1000).astype(np.int64), pa.timestamp("ms", tz="UTC")),
        "status": status,
        **{name: pa.array(values, mask=~solved) for name, values in {**numbers, **texts}.items()},
        **elements,
    }
    write_part(folder, "stability", "contingency", stability)


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


@pytest.fixture(scope="session")
def profile() -> Profile:
    """The tiny profile with three trials of every model."""
    from models.catalogue import NAMES

    tiny = load_profile("tiny")
    tuning = msgspec.structs.replace(tiny.tuning, trials=dict.fromkeys(NAMES, 3))
    return msgspec.structs.replace(tiny, tuning=tuning)


@pytest.fixture(scope="session")
def campaign(tmp_path_factory, profile) -> Home:
    """A home with the synthetic datasets of the tiny profile."""
    resolving.provide()
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
    from models.catalogue import NAMES

    return {
        name: training.train(name, profile, campaign, folders, STEP + name, tags={"claim": "none"})
        for name in NAMES
    }
