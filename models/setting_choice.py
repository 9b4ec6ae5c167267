"""From rows of stations to settings, what these truly save, and the caution that keeps within the limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

import substations
from data_contracts.circuit import CircuitFacts
from features.context import circuit as group
from models import setting_rows
from models.metrics import Columns
from models.rows import Rows
from models.setting_rows import BROKEN, COUNTED, LOSS, REACH
from substations.errors import SubstationError
from substations.settings import (
    Caution,
    Choice,
    Looked,
    Sensitivities,
    choose,
    look,
    reach_of,
    sensitivities,
)
from substations.station import station_facts
from substations.sweep import Served, sweep
from switchyard.log import get_logger

Float = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

SLACK_PU = 0.002
"""Further distance to the limits: the infeed's voltage transformers are of class 0.2."""

STEP_PU = 0.0005
"""Margins are multiples of this."""

UNEVEN = 0.15
"""Share of what rated traction loads drop by which a single phase is taken to be off the mean of the three;
on training states of the campaigns, settings that it allows save most where none breaks a limit."""

MOST_STATES = 240
"""States on which the caution is chosen, spread evenly."""

WITHIN_SHARE, WITHIN_LOSS = 0.10, 0.0002
"""A predicted gain is right within this share of the true one, or of the loss."""

_log = get_logger("models.setting_choice")

Chooser = Callable[[CircuitFacts, Sensitivities, Float], Choice]


@cache
def described() -> dict[int, CircuitFacts]:
    """Circuits of all described substations by their number; those that cannot be read are left out."""
    found = {}
    for name in substations.names():
        try:
            circuit = station_facts(substations.read(name)).circuit
        except SubstationError as error:
            _log.warning("%s: its settings are not optimised: %s", name, error.message)
            continue
        found[circuit.code] = circuit
    return found


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one station: their indices [m], its circuit, and what the rows say of it."""

    index: Ints
    circuit: CircuitFacts
    served: Served
    standing: group.Standing


def parts(rows: Rows) -> Iterator[Part]:
    """Rows by the station's circuit; those of an unknown one are left out."""
    code = rows.column(group.CODE)
    for number, circuit in described().items():
        index = np.flatnonzero(code == number)
        if index.size:
            own = rows.select(index)
            standing = setting_rows.standing_of(circuit, own)
            # Zero where importance shuffles a station's row into one with fewer feeders.
            served = Served(
                np.nan_to_num(standing.p_w), np.nan_to_num(standing.q_var), own.column("infeed_v_pu")
            )
            tap, steps = (np.nan_to_num(part) for part in (standing.tap, standing.steps))
            yield Part(index, circuit, served, group.Standing(served.p_w, served.q_var, tap, steps))


def swept(rows: Rows) -> Float:
    """Loss in the resistances of each row at its present setting by the load flow, W."""
    found = np.zeros(len(rows))
    for part in parts(rows):
        flow = sweep(part.circuit, part.served, part.standing.tap[:, None], part.standing.steps[:, None])
        found[part.index] = flow.series_w[:, 0]
    return found


def chosen_by(rows: Rows, reach: int, series: Float, chooser: Chooser) -> Columns:
    """What is chosen on each row, what that truly saves, and whether the prediction holds.

    Args:
        rows: The rows.
        reach: Tap positions to either side.
        series: Factor on the loss in resistances of each row, [n].
        chooser: Chooses settings of one station, and says what they save, W.
    """
    place = np.full(len(rows), -1, dtype=np.int64)
    saved, loss = np.zeros(len(rows)), np.ones(len(rows))
    for part in parts(rows):
        around = reach_of(part.circuit, part.standing.tap, part.standing.steps, reach)
        choice = chooser(part.circuit, sensitivities(part.circuit, part.served, around), series[part.index])
        true_reach = int(np.asarray(rows.truth[REACH])[part.index[0]])
        place[part.index] = setting_rows.place_of(part.circuit, part.standing.tap, true_reach, choice.values)
        saved[part.index], loss[part.index] = choice.saved_w, choice.present_w
    return {"place": place, "saved_w": saved, "present_w": loss, **truly(rows, place, saved)}


def truly(rows: Rows, place: Ints, saved_w: Float) -> dict[str, NDArray[np.generic]]:
    """What settings by their place truly save, and how well that was predicted."""
    loss, broken = _of(rows, LOSS), np.asarray(rows.truth[BROKEN], dtype=bool)
    n = np.arange(len(rows))
    known = place >= 0
    at = np.maximum(place, 0)
    there = known & np.isfinite(loss[n, at])
    gain = np.where(there, _of(rows, "present_loss_w") - np.nan_to_num(loss[n, at]), 0.0)
    outside = there & broken[n, at] & ~broken.all(axis=1)
    close = np.abs(saved_w - gain) <= np.maximum(
        WITHIN_SHARE * np.abs(gain), WITHIN_LOSS * _of(rows, "present_loss_w")
    )
    return {
        "gain_w": np.where(outside, 0.0, gain),
        "broken": outside,
        "close": close,
        "gain_error_pct": 100.0 * np.abs(saved_w - gain) / np.maximum(_of(rows, "present_loss_w"), 1.0),
    }


def optimum(rows: Rows) -> dict[str, NDArray[np.generic]]:
    """True loss of each row at present, and what the best setting that breaks no limit saves."""
    loss, broken = _of(rows, LOSS), np.asarray(rows.truth[BROKEN], dtype=bool)
    present = np.full(len(rows), -1, dtype=np.int64)
    for part in parts(rows):
        values = np.concatenate([np.rint(part.standing.tap), part.standing.steps], axis=1).astype(np.int64)
        reach = int(np.asarray(rows.truth[REACH])[part.index[0]])
        present[part.index] = setting_rows.place_of(part.circuit, part.standing.tap, reach, values)
    n = np.arange(len(rows))
    now = np.where(np.asarray(rows.truth[COUNTED], dtype=bool), loss[n, np.maximum(present, 0)], np.nan)
    allowed = np.where(broken, np.inf, loss)
    best = np.argmin(allowed, axis=1)
    least = allowed[n, best]
    saved = np.where(np.isfinite(least) & np.isfinite(now), now - least, 0.0)
    return {
        "present_loss_w": np.nan_to_num(now),
        "optimum_w": saved,
        "best_place": np.where(np.isfinite(least), best, present),
        "present_place": present,
    }


def learn(rows: Rows, series: Float, reach: int) -> tuple[float, Caution]:
    """Truth over prediction of a setting's gain, and the caution that broke no limit.

    Args:
        rows: Rows, of which the counted ones are used.
        series: Factor on the loss in resistances of each row, [n].
        reach: Tap positions to either side.
    """
    states = states_of(rows, series, reach)
    if not states:
        return 1.0, CAREFUL
    return _slope(states), Caution(margin_pu=safe_margin(states, UNEVEN), uneven=UNEVEN)


CAREFUL = Caution(margin_pu=0.004, uneven=UNEVEN)
"""Where no state was solved under its settings."""


@dataclass(frozen=True, slots=True)
class State:
    """One counted row under all settings.

    Attributes:
        circuit: The station.
        found: Polynomials; `row` is the state's.
        row: Its row there.
        series: Factor on the loss in resistances.
        place: Place of each setting in the truth, [k].
        loss_w: True loss of each setting of the truth.
        broken: Whether it breaks a limit.
        present_w: True present loss.
    """

    circuit: CircuitFacts
    found: Sensitivities
    row: int
    series: float
    place: Ints
    loss_w: Float
    broken: Bools
    present_w: float

    def looked(self, uneven: float) -> Looked:
        """All settings by the load flow."""
        return look(self.circuit, self.found, self.row, series=self.series, uneven=uneven)


def _states(rows: Rows, series: Float, reach: int) -> Iterator[State]:
    counted = np.flatnonzero(np.asarray(rows.truth[COUNTED], dtype=bool))
    counted = counted[:: max(1, -(-counted.size // MOST_STATES))]
    own = rows.select(counted)
    for part in parts(own):
        around = reach_of(part.circuit, part.standing.tap, part.standing.steps, reach)
        found = sensitivities(part.circuit, part.served, around)
        true_reach = int(np.asarray(own.truth[REACH])[part.index[0]])
        for row, at in enumerate(part.index.tolist()):
            factor = float(series[counted[at]])
            values = look(part.circuit, found, row, series=factor, uneven=0.0).values
            tap = np.tile(part.standing.tap[row], (len(values), 1))
            place = setting_rows.place_of(part.circuit, tap, true_reach, values)
            loss = np.asarray(own.truth[LOSS][at], dtype=np.float64)
            broken = np.asarray(own.truth[BROKEN][at], dtype=bool)
            if not broken[place].all():
                now = float(own.truth["present_loss_w"][at])
                yield State(part.circuit, found, row, factor, place, loss, broken, now)


def states_of(rows: Rows, series: Float, reach: int) -> list[State]:
    """Counted rows under all settings, at most `MOST_STATES` of them; without those that no setting mends."""
    return list(_states(rows, series, reach))


def safe_margin(states: list[State], uneven: float) -> float:
    """Least margin with which, and with any larger one, no state breaks a limit, and `SLACK_PU` more."""
    needed = max((_needed(state, state.looked(uneven)) for state in states), default=0.0)
    return float(STEP_PU * np.ceil(needed / STEP_PU) + SLACK_PU)


def _needed(state: State, looked: Looked) -> float:
    """Margin that keeps a state from every setting that breaks a limit and would be chosen with less.

    In the order of their losses, a setting is chosen with some margin where none before it has as much room.
    The last of these has the most room of all: no margin keeps from it.
    """
    order = np.argsort(looked.loss_w, kind="stable")
    room = np.where(looked.loading <= 1.0, looked.room_pu, -np.inf)[order]
    before = np.concatenate([[0.0], np.maximum.accumulate(room)[:-1]])
    chosen = np.flatnonzero(room > np.maximum(before, 0.0))[:-1]
    wrong = chosen[state.broken[state.place[order[chosen]]]]
    return float(room[wrong].max(initial=0.0)) + (STEP_PU / 10.0 if wrong.size else 0.0)


def _slope(states: list[State]) -> float:
    """True over predicted gain by least squares over all settings that break no limit."""
    both, square = 0.0, 0.0
    for state in states:
        looked = state.looked(0.0)
        predicted = state.series * state.found.present_series_w + state.found.present_core_w
        gain = predicted[state.row] - looked.loss_w
        true = state.present_w - state.loss_w[state.place]
        used = ~state.broken[state.place] & np.isfinite(true)
        both += float((gain * true)[used].sum())
        square += float((gain * gain)[used].sum())
    return both / square if square > 0.0 else 1.0


def by_caution(caution: Caution, slope: float) -> Chooser:
    """Chooses with that caution; the predicted gain is multiplied by `slope`."""

    def chooser(circuit: CircuitFacts, found: Sensitivities, series: Float) -> Choice:
        choice = choose(circuit, found, series, caution)
        return Choice(choice.values, slope * choice.saved_w, choice.present_w)

    return chooser


def _of(rows: Rows, name: str) -> Float:
    """A truth column as numbers."""
    return np.asarray(rows.truth[name], dtype=np.float64)
