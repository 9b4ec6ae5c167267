"""What a control centre knows of the whole grid, and what it says of the next failure.

Figures of the whole are taken as they are sent. From the telemetry of every branch, station, park and
bus come an AC contingency analysis (`features.context.screening`), loadings by distribution factors
(`features.context.lodf`) and the frequency after the largest infeed's loss (`features.context.infeed_loss`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter

import numpy as np
from msgspec import UNSET, inspect
from numpy.typing import NDArray

from data_contracts.stability_score import FREQUENCY, OUTAGES, SHEDDING_HZ, VOLTAGE, on
from data_contracts.tables.stability import ELEMENTS
from data_contracts.transmission import PARKS, PLANTS
from data_contracts.transmission_ac import BRANCH_NAMES, BUS_NAMES
from data_contracts.wire import Item
from data_contracts.wire.grid import MAPS, Grid
from features.context import infeed_loss, lodf
from features.context.screening import FAILURES, Screened, Telemetry, screen
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "grid"
NEEDS = ("context.grid",)
ABSENT = "NaN when it was not sent"
EVERY = "NaN unless all four maps were sent"
KNOWN: tuple[str, ...] = tuple(name for name in Grid.__struct_fields__ if name not in MAPS)
"""Figures of the whole that are sent, by their names in `context.grid`; the feature has the same name."""

_BRANCHES, _STATIONS, _PARKS, _BUSES = (f"context.grid.{name}" for name in MAPS)
_SWITCHED = (_BRANCHES, _STATIONS, _PARKS, _BUSES)
_LOAD, _NEIGHBOUR = "load_metered_mw", "neighbour_load_metered_mw"
_INFEED, _RESERVE = "largest_infeed_metered_mw", "primary_reserve_declared_mw"
_POWER_FLOW = "AC power flow, Newton's method; N-1 criterion"
_SWING = "swing equation"
# What stands where a state has no power flow.
_DARK = {"screened_loading_pct": 200.0, "screened_v_min_pu": 0.0, "reactive_left_mvar": 0.0,
         "stations_at_limit": float(len(PLANTS))}  # fmt: skip


def _sent(field: inspect.Field) -> Feature:
    """The feature of a field of `Grid`; its unit and text are those of the wire."""
    kind = field.type
    said = kind.extra_json_schema or {} if isinstance(kind, inspect.Metadata) else {}
    unit = (kind.extra or {}).get("unit", "") if isinstance(kind, inspect.Metadata) else ""
    text = str(said.get("description", field.name))
    return Feature(field.name, GROUP, unit or "1", text[:1].lower() + text[1:], DEFINITION, NEEDS, ABSENT)


def _fields() -> tuple[inspect.Field, ...]:
    described = inspect.type_info(Grid)
    fields = described.fields if isinstance(described, inspect.StructType) else ()
    return tuple(field for field in fields if field.name not in MAPS)


def _screened(name: str, unit: str, text: str) -> Feature:
    return Feature(name, GROUP, unit, text, _POWER_FLOW, _SWITCHED, EVERY)


def _lost(name: str, unit: str, text: str, source: str = _SWING) -> Feature:
    return Feature(name, GROUP, unit, text, source, (*_SWITCHED, *NEEDS), EVERY)


_RATIOS = (
    Feature(
        "infeed_loss_pu", GROUP, "pu",
        "output of the largest infeed, of the load of the grid and its neighbour: the step of power that "
        "its loss is", _SWING, NEEDS, ABSENT,
    ),
    Feature(
        "primary_reserve_pu", GROUP, "pu", "declared primary reserve of the same load", _SWING, NEEDS, ABSENT,
    ),
)  # fmt: skip
_LODF = tuple(
    Feature(
        name, GROUP, "%",
        f"lossless loading of the most loaded line after the {word} failure of a branch: "
        "f_k + f_l·φ_kl/(1 − φ_ll), of its rating", "line outage distribution factors (Wood and Wollenberg)",
        _SWITCHED, EVERY,
    )
    for name, word in (("lodf_worst_pct", "worst"), ("lodf_second_pct", "second worst"))
)  # fmt: skip
_LOSSES = (
    _lost("infeed_lost_pu", "pu", "power that the largest failure of a unit or half a park takes"),
    _lost("inertia_left_s", "s", "H = Σ H_i·S_i/P over units that are left and the neighbour at 4 s"),
    _lost("infeed_rocof_hz_s", "Hz/s", "first slope of frequency, f₀·ΔP/(2H)"),
    _lost("steam_gain_pu", "pu", "Σ P_r/(0.05·P) over steam and gas units that are left"),
    _lost("hydro_gain_pu", "pu", "the same over hydro units"),
    _lost("steam_reserve_pu", "pu", "headroom of the first, at most 15 % of rating, of the load of both"),
    _lost("hydro_reserve_pu", "pu", "the same of hydro units"),
    _lost("reserve_to_loss", "1", "usual answer of both and of the neighbour's 2.5 %, over the step"),
    _lost(
        "proportional_nadir_hz", "Hz", "nadir of reheat turbines in proportion to the departure",
        "Anderson and Mirheydar 1990",
    ),
    _lost(
        "ramped_nadir_hz", "Hz", "f₀·(1 − ΔP²·T/(4H·R)), where reserve R ramps up within T = 8 s",
        "Egido and others 2009",
    ),
    _lost("neighbour_share", "1", "load of the neighbour, of that of both"),
)  # fmt: skip
_SCREENED = (
    _screened("screened_loading_pct", "%", "current of the most loaded line in the solved state"),
    _screened("screened_v_min_pu", "pu", "lowest voltage of the solved state"),
    _screened("reactive_left_mvar", "Mvar", "Σ (Q_max − Q) of stations in the solved state"),
    _screened("stations_at_limit", "1", "stations that give all their reactive power in it"),
    _screened(
        "severity_worst", "1",
        "largest of I/(1.3·I_r) and |V − 1|/0.1 after the worst failure; 1.6 without a power flow",
    ),
    _screened("severity_second", "1", "the same after the second worst"),
    _screened("severity_third", "1", "the same after the third worst"),
    _screened("failures_unsolved", "1", "failures without a power flow"),
    _screened("failures_violating", "1", "failures of a severity above 1"),
    _screened("screened_loading_after_pct", "%", "largest current after a failure, of the rating"),
    _screened("screened_v_min_after_pu", "pu", "lowest voltage after a failure"),
    _screened("cut_off_most_mw", "MW", "most load that a failure cuts off"),
    _screened(
        "screened_nose_pct", "%",
        "least rise of all load to the nose after a failure that looks worst, within 1.25 %; ends at 25",
    ),
    _screened("screened_voltage_score", "1", "score of screened_nose_pct"),
    _screened("screened_outages_score", "1", "score of severity_worst"),
    _screened("screened_score", "1", "the lesser of the two"),
    *(
        _screened(
            f"score_after_{name.replace('-', '_')}", "1",
            f"least score that the failure of {name} gives: of its severity, its nose and, where it "
            "is the largest infeed, of the ramped nadir",
        )
        for name in FAILURES
    ),
)  # fmt: skip

FEATURES = (*(_sent(field) for field in _fields()), *_RATIOS, *_LODF, *_LOSSES, *_SCREENED)

_get = attrgetter(*KNOWN)
_STUDIED = len(_LODF) + len(_LOSSES) + len(_SCREENED)


def compute(known: Float, elements: Mapping[str, Float]) -> Float:
    """Features of n states, float64 [n, len(FEATURES)].

    Args:
        known: What is sent of the whole of each state, in the order of `KNOWN`, [n, len(KNOWN)]; NaN is
            unknown.
        elements: What is sent of each element, by the names `ELEMENTS`, [n, elements]; NaN where it was not.
    """
    at = {name: known[:, place] for place, name in enumerate(KNOWN)}
    both = at[_LOAD] + at[_NEIGHBOUR]
    # A grid without load has no step of power.
    both = np.where(both > 0.0, both, np.nan)
    studied = np.full((len(known), _STUDIED), np.nan)
    told = np.flatnonzero(
        np.logical_and.reduce([np.isfinite(elements[name]).all(axis=1) for name in ELEMENTS])
    )
    if told.size:
        part = {name: elements[name][told] for name in ELEMENTS}
        studied[told] = _study(part, at[_LOAD][told], at[_NEIGHBOUR][told])
    return np.column_stack([known, at[_INFEED] / both, at[_RESERVE] / both, studied])


def _study(told: Mapping[str, Float], load_mw: Float, neighbour_mw: Float) -> Float:
    """What the telemetry of all elements says, [n, features behind the ratios]."""
    inside = told["branch_in_service"] > 0.5
    states = [
        Telemetry(
            inside=inside[row],
            unit_mw=told["unit_metered_mw"][row],
            plant_mvar=told["plant_metered_mvar"][row],
            running=told["plant_units_in_service"][row],
            v_set_pu=told["plant_v_set_pu"][row],
            bus_v_pu=told["bus_v_metered_pu"][row],
            load_mw=told["bus_metered_mw"][row],
            load_mvar=told["bus_metered_mvar"][row],
        )
        for row in range(len(inside))
    ]
    losses = np.array([state.losses_mw for state in states])
    lost = infeed_loss.compute(
        told["unit_metered_mw"], told["plant_units_in_service"], load_mw, neighbour_mw, losses
    )
    ramped = lost[:, infeed_loss.NAMES.index("ramped_nadir_hz")]
    # Without the load of both there is no nadir: the failure of the largest infeed has its other scores.
    by_frequency = np.where(np.isfinite(ramped), on(FREQUENCY, ramped - SHEDDING_HZ), 100.0)
    of_infeed = np.full((len(states), len(FAILURES)), 100.0)
    first = len(FAILURES) - losses.shape[1]
    of_infeed[np.arange(len(states)), first + losses.argmax(axis=1)] = by_frequency
    found = np.stack([_summary(screen(state), row) for state, row in zip(states, of_infeed, strict=True)])
    return np.column_stack([100.0 * lodf.worst_two(inside, told["branch_metered_mw"]), lost, found])


def _summary(state: Screened, of_infeed: Float) -> Float:
    """Features of one screened state, in the order of `_SCREENED`."""
    worst = np.sort(state.severity)[::-1]
    after = state.after_loading_pu[np.isfinite(state.after_loading_pu)]
    low = state.after_v_min_pu[np.isfinite(state.after_v_min_pu)]
    voltage, outages = on(VOLTAGE, state.nose_pu), on(OUTAGES, state.severity)
    seen = (
        (100.0 * state.loading_pu, state.v_min_pu, state.left_mvar, state.at_limit)
        if state.solved
        else tuple(_DARK.values())
    )
    return np.array(
        [
            *seen,
            *worst[:3],
            state.unsolved.sum(),
            (state.severity > 1.0).sum(),
            100.0 * after.max() if after.size else _DARK["screened_loading_pct"],
            low.min() if low.size else 0.0,
            state.cut_off_mw.max(),
            100.0 * state.nose_pu.min(),
            voltage.min(),
            outages.min(),
            min(voltage.min(), outages.min()),
            *np.minimum(np.minimum(voltage, outages), of_infeed),
        ]
    )


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, len(FEATURES)]."""
    del windows
    known = np.full((len(items), len(KNOWN)), np.nan)
    sizes = {name: len(values) for name, values in elements_of(None).items()}
    elements = {name: np.full((len(items), size), np.nan) for name, size in sizes.items()}
    for row, item in enumerate(items):
        if item.context is not UNSET and item.context.grid is not UNSET:
            sent = item.context.grid
            known[row] = [np.nan if value is UNSET else value for value in _get(sent)]
            for name, values in elements_of(sent).items():
                elements[name][row] = values
    return compute(known, elements)


def elements_of(sent: Grid | None) -> dict[str, list[float]]:
    """What is sent of each element, by the names `ELEMENTS`; NaN where its map was not sent."""
    branches = _field(sent, "branches", BRANCH_NAMES, ("in_service", "p_mw", "q_mvar"))
    stations = _field(
        sent, "stations", [plant.name for plant in PLANTS], ("p_mw", "q_mvar", "units_in_service", "v_set_pu")
    )
    buses = _field(sent, "buses", BUS_NAMES, ("v_pu", "load_mw", "load_mvar"))
    parks = [np.nan] * len(PARKS)
    if sent is not None and sent.parks_mw is not UNSET:
        parks = [sent.parks_mw[park.name] for park in PARKS]
    values = (*branches, [*parks, *stations[0]], *stations[1:], *buses)
    return dict(zip(ELEMENTS, values, strict=True))


def _field(sent: Grid | None, name: str, names: Sequence[str], fields: tuple[str, ...]) -> list[list[float]]:
    """Fields of a map's elements, a list each in the order of `names`; NaN where it was not sent."""
    found = UNSET if sent is None else getattr(sent, name)
    if found is UNSET:
        return [[np.nan] * len(names) for _ in fields]
    return [[float(getattr(found[each], field)) for each in names] for field in fields]
