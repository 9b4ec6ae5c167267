"""The capacitor bank of the busbar at the point: what it leaves to be drawn, and what formulas would add.

The bay that feeds the busbar supplies P and Q; k·B of the bank is in service, B its rating. At voltage v, the
size c·B at which the bay's power factor becomes `POWER_FACTOR`, leading, is
c = (k·v² + q)/(v + x·q/v)² with q = (Q + P·tan φ)/B:
what the bay no longer brings in no longer drops voltage in the transformers' reactance x (on B). The feeders
of the section draw what the bay feeds in and the bank supplies: their meters say the same once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import UNSET
from numpy.typing import NDArray

from data_contracts.compensation import POWER_FACTOR, TAN_PHI
from data_contracts.ranges import INVALID
from data_contracts.station import BankFacts, StationFacts, TapFacts
from data_contracts.wire import Context, Item
from features.context.station import FEEDERS, NAMEPLATE
from features.declaration import DEFINITION, Feature
from features.windows import Windows

Float = NDArray[np.float64]

GROUP = "banks"
ALIVE_PU = 0.5
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.+"
LONGEST = 8
"""Letters of a bank's name at most: longer ones do not fit into a number."""

STEPS = "context.capacitor_steps"
OURS = "NaN unless the point is that of a busbar with a bank, or of the bay that feeds it"
METERED = f"{OURS}, alive and metered, and the bank's steps were sent"
DRAWN = f"{OURS}, and each feeder was sent"


def _site(name: str, unit: str, text: str) -> Feature:
    return Feature(name, GROUP, unit, text, DEFINITION, (), OURS)


def _bay(name: str, unit: str, text: str, source: str = DEFINITION) -> Feature:
    return Feature(name, GROUP, unit, text, source, (STEPS,), METERED)


FEATURES = (
    _bay(
        "bank_leading_pu", "1",
        f"size at which the bay's power factor is {POWER_FACTOR:g} leading, of the bank's rating",
    ),
    Feature(
        "bank_leading_feeders_pu", GROUP, "1", "the same by the section's feeders and the bank",
        DEFINITION, (FEEDERS, STEPS), f"{METERED}, and each feeder was sent",
    ),
    Feature(
        "bank_least_loss_pu", GROUP, "1",
        "size with the least loss by nameplates, as in `nameplate_loss_w`, the other banks as they are",
        NAMEPLATE, (FEEDERS, STEPS), f"{DRAWN}, and the steps of each bank",
    ),
    _bay("bank_in_service", "1", "part of the bank that is in service"),
    _bay("bank_p_fed_pu", "1", "active power that the bay feeds in, of the bank's rating"),
    _bay("bank_q_fed_pu", "1", "reactive power that it feeds in"),
    _bay("bank_v_pu", "pu", "mean voltage of the busbar's phases"),
    Feature(
        "bank_p_feeders_pu", GROUP, "1", "active power of the section's feeders, of the bank's rating",
        DEFINITION, (FEEDERS,), DRAWN,
    ),
    Feature(
        "bank_q_feeders_pu", GROUP, "1", "their reactive power", DEFINITION, (FEEDERS,), DRAWN
    ),
    Feature(
        "bank_ratio_pu", GROUP, "pu", "turns ratio of the bay's transformer, less 1; 0 without a tap changer",
        DEFINITION, ("context.tap",), f"{OURS}, and its position was sent",
    ),
    _site(
        "bank_shared_loss", "1",
        "part of the resistance behind the busbar that the rest of the station's power flows through too",
    ),
    _site("bank_rated_var", "var", "reactive power of all steps at nominal voltage"),
    _site("bank_steps", "1", "number of steps"),
    _site(
        "bank_name", "1",
        f"the bank's name to the base {len(LETTERS) + 1}: at most {LONGEST} of letters, digits, _ - . +",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fed:
    """The busbar of one bank in n states; what is not known is NaN.

    Attributes:
        p_w: Active power that the bay feeds in, W, [n].
        q_var: Reactive power, var, [n].
        v_pu: Mean phase voltage, pu, [n].
        steps: Steps in service of every bank of the station, [n, banks].
        p_feeders_w: Active power of every feeder of the station, W, [n, f].
        q_feeders_var: Reactive power, var, [n, f].
        ratio_pu: Turns ratio of the bay's transformer, [n].
    """

    p_w: Float
    q_var: Float
    v_pu: Float
    steps: Float
    p_feeders_w: Float
    q_feeders_var: Float
    ratio_pu: Float


def compute(fed: Fed, station: StationFacts, bank: BankFacts) -> Float:
    """Features of n states of one bank's busbar, float64 [n, features]."""
    place = station.banks.index(bank)
    counts = np.array([one.steps for one in station.banks])
    parts = np.where((fed.steps >= 0) & (fed.steps <= counts), fed.steps, np.nan) / counts
    rated = np.array([one.q_var for one in station.banks])
    own = parts[:, place]
    v_pu = np.where(fed.v_pu > ALIVE_PU, fed.v_pu, np.nan)
    mine = np.array([name in bank.feeders for name in station.feeders], dtype=np.float64)
    # Sums in one order for each row, so that a batch gives what its rows give alone.
    drawn_pu = [(each * mine).sum(axis=1) / bank.q_var for each in (fed.p_feeders_w, fed.q_feeders_var)]
    in_service_pu = own * v_pu**2
    fed_pu = [fed.p_w / bank.q_var, fed.q_var / bank.q_var]
    leading, by_feeders = (
        (in_service_pu + q_pu) / (v_pu + bank.x_pu * q_pu / v_pu) ** 2
        for q_pu in (
            fed_pu[1] + TAN_PHI * np.abs(fed_pu[0]),
            drawn_pu[1] - in_service_pu + TAN_PHI * np.abs(drawn_pu[0]),
        )
    )
    by_feeder, by_bank = np.array(bank.by_feeder), np.array(bank.by_bank)
    others = np.where(np.arange(len(rated)) == place, 0.0, by_bank * rated)
    left_var = (fed.q_feeders_var * by_feeder).sum(axis=1) - (parts * others).sum(axis=1)
    everywhere = float(min(by_feeder.min(initial=np.inf), by_bank.min(initial=np.inf)))
    n = len(fed.p_w)
    found = (
        leading,
        by_feeders,
        left_var / (by_bank[place] * bank.q_var),
        own,
        *fed_pu,
        v_pu,
        *drawn_pu,
        fed.ratio_pu - 1.0,
        np.full(n, everywhere / by_bank[place]),
        np.full(n, bank.q_var),
        np.full(n, float(bank.steps)),
        np.full(n, number_of(bank.name)),
    )
    return np.stack(found, axis=1)


def number_of(name: str) -> float:
    """A bank's name as a number; NaN where it is empty, too long or has other letters."""
    if not 0 < len(name) <= LONGEST or any(letter not in LETTERS for letter in name):
        return float("nan")
    number = 0
    for letter in name:
        number = number * (len(LETTERS) + 1) + LETTERS.index(letter) + 1
    return float(number)


def name_of(number: float) -> str:
    """The name that `number_of` has made a number of."""
    rest, letters = round(number), ""
    while rest > 0:
        rest, digit = divmod(rest, len(LETTERS) + 1)
        letters = LETTERS[digit - 1] + letters
    return letters


def bank_at(station: StationFacts, point: str) -> BankFacts | None:
    """The first bank of the busbar that a measurement point belongs to."""
    return next((bank for bank in station.banks if point in bank.points), None)


def tap_ratio(station: StationFacts, bank: BankFacts, positions: dict[str, int]) -> float:
    """Turns ratio of the transformer that feeds a bank's busbar, by positions; NaN where it is not known."""
    tap: TapFacts | None = next((one for one in station.taps if one.name == bank.transformer), None)
    if tap is None:
        return 1.0
    position = positions.get(tap.name, 0)
    return tap.min_pu + (position - 1) * tap.step_pu if 1 <= position <= tap.positions else float("nan")


def read(items: Sequence[Item], windows: Windows) -> Float:
    """Features of n items, float64 [n, features]; NaN at points without a bank."""
    out = np.full((len(items), len(FEATURES)), np.nan)
    rows_of: dict[tuple[int, str], list[int]] = {}
    for row, (item, station) in enumerate(zip(items, windows.stations, strict=False)):
        bank = bank_at(station, item.point) if station is not None else None
        if bank is not None:
            rows_of.setdefault((id(station), bank.name), []).append(row)
    for rows in rows_of.values():
        station = windows.stations[rows[0]]
        bank = bank_at(station, items[rows[0]].point) if station is not None else None
        if station is not None and bank is not None:
            contexts = [items[row].context for row in rows]
            some = windows.take(rows)
            known = [context if context is not UNSET else Context() for context in contexts]
            out[rows] = compute(_fed(known, some, station, bank), station, bank)
    return out


def _fed(contexts: Sequence[Context], windows: Windows, station: StationFacts, bank: BankFacts) -> Fed:
    steps = [
        [float("nan") if (sent := context.capacitor_steps) is UNSET else sent.get(one.name, float("nan"))
         for one in station.banks]
        for context in contexts
    ]  # fmt: skip
    nothing = [(float("nan"), float("nan"))] * len(station.feeders)
    powers = []
    for context in contexts:
        feeders = UNSET if context.station is UNSET else context.station.feeders
        if feeders is UNSET or any(name not in feeders for name in station.feeders):
            powers.append(nothing)
        else:
            powers.append([(feeders[name].p_w, feeders[name].q_var) for name in station.feeders])
    by_feeder = np.array(powers, dtype=np.float64).reshape(len(contexts), len(station.feeders), 2)
    return Fed(
        p_w=-_mean(windows, "p").sum(axis=1),
        q_var=-_mean(windows, "q").sum(axis=1),
        v_pu=_mean(windows, "v").mean(axis=1) / windows.v_nom_v,
        steps=np.array(steps, dtype=np.float64).reshape(len(contexts), len(station.banks)),
        p_feeders_w=by_feeder[:, :, 0],
        q_feeders_var=by_feeder[:, :, 1],
        ratio_pu=np.array(
            [
                float("nan") if context.tap is UNSET else tap_ratio(station, bank, context.tap)
                for context in contexts
            ]
        ),
    )


def _mean(windows: Windows, channel: str) -> Float:
    """Mean of each phase over the window's valid samples, [n, 3]; NaN where there is none."""
    samples = windows.channel(channel)
    valid = np.isfinite(samples) & (windows.quality.T != INVALID)[:, :, None]
    count = valid.sum(axis=1)
    total = np.where(valid, samples, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
