"""`power_flow_optimization`: which taps and capacitor steps lose least at the same power served.

The station's own circuit is compiled into the decoder: load flows around the present setting give losses and
voltages as polynomials of the settings, all of which are then looked at (`substations.settings`). Learned are
by what factor resistances lose more than on the nameplates, being warm and distorted, by what factor a gain
exceeds the load flow's, and how far from their limits the voltages of a balanced load flow must stay so that
those of single phases keep them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from data_contracts.circuit import CircuitFacts
from data_contracts.dataset import Dataset
from features.context import circuit as group
from models import setting_choice, setting_rows
from models.dataset import Built
from models.declaration import Bar, Output, Params, Shown, Target
from models.metrics import Columns, Metric, mean_of, ratio, share
from models.plain import Plain, Said
from models.polynomials import PolynomialRidge
from models.protocol import Compiled
from models.rows import Rows
from models.setting_choice import by_caution, chosen_by, described
from models.setting_rows import COUNTED, REACH
from models.station_ridge import StationRidge
from substations.settings import Caution, Choice, Sensitivities, advise, terms
from substations.sweep import Served

Float = NDArray[np.float64]

INPUTS = (
    "ambient_c",
    "ghi_w_m2",
    "wind_m_s",
    "no_load_share",
    "station_tan_phi",
    "station_low_share",
    "hour_sin",
    "hour_cos",
)
"""Columns of the regression: what warms and distorts."""

INFEED = "infeed_v_pu"
REQUIRED = (group.CODE, INFEED, "station_ratio_pu", "bank_share", group.P[0], group.Q[0])
OPTIONAL = (*group.P[1:], *group.Q[1:], *group.TAP, *group.STEPS)

HELD_PU = ((100.0, 1.01), (0.0, 1.02))
"""Voltage that a local regulator holds on busbars above a level in kV."""

HOURS_A_DAY, W_PER_MW = 24.0, 1e6


@dataclass(frozen=True, slots=True)
class PowerFlowModel:
    """The fitted model.

    Attributes:
        regression: Loss in resistances over that of the load flow.
        slope: True over predicted gain.
        caution: Distance to the limits.
        reach: Tap positions to either side that are looked at.
    """

    regression: PolynomialRidge
    slope: float
    caution: Caution
    reach: int


def _gain_share() -> Metric:
    """Sum of what was truly saved over the sum of what could have been."""

    def sums(answer: Columns, rows: Rows) -> Float:
        of = np.asarray(rows.truth[COUNTED], dtype=bool)
        both = np.stack([_of(rows, "optimum_w"), np.asarray(answer["gain_w"], dtype=np.float64)], axis=1)
        return np.asarray(np.where(of[:, None], both, 0.0))

    return Metric("gain_share", "higher", sums, ratio, ("gain_w",))


class PowerFlowOptimization(StationRidge[PowerFlowModel]):
    """Enumeration on sensitivities of the station's circuit, corrected by a ridge regression."""

    name = "power_flow_optimization"
    version = 1
    title = "Taps and capacitor steps that lose least"
    module = "energy"
    algorithm = "linear programme with integer taps and steps, enumerated on sensitivities of the circuit"
    proof = "estimator"
    tables = ("controls", "losses", "load")
    features = (*INPUTS, *REQUIRED, *OPTIONAL)
    optional = OPTIONAL
    target = Target(
        "setting of taps and steps that loses least, every one of them solved at the same served power",
        ("loss_w", "violations", "overloads", "resistive_w", "reactive_w"),
    )
    inputs = INPUTS
    outputs = (
        Output(
            "optimal_configuration",
            truth="of all settings within reach, the solved one that loses least and breaks no limit",
            metric="gain_share",
        ),
        Output(
            "efficiency_gain",
            truth="loss of the solved present setting less that of the solved chosen one, % of the former",
            metric="gain_error_pct",
        ),
        Output(
            "cost_savings",
            formula="saved loss in MW · 24 h · price of energy of the substation's description",
            magnitude=1e5,
        ),
    )
    metrics = (
        _gain_share(),
        share("broken", COUNTED, "broken", "lower"),
        share("gain_predicted", COUNTED, "close"),
        mean_of("gain_error_pct", COUNTED, "gain_error_pct"),
    )
    headline = "gain_share"
    opponents = ("present", "local_regulators")
    references = ("milp",)
    shown = (Shown("value", "gain_w", "optimum_w", among=COUNTED, unit="W"),)
    oracle = "the best of all solved settings"
    bars = (
        Bar("gain_share", 0.95, beats=("present", "local_regulators")),
        Bar("broken", 0.0),
        Bar("gain_predicted", 0.95),
    )
    plain = Plain(
        purpose="Recommends the tap positions and capacitor steps with which a station loses least.",
        main="gain_share",
        said={
            "gain_share": Said("of the saving that is possible is brought, by a solved circuit"),
            "broken": Said("of the recommendations break a limit, by a solved circuit"),
            "gain_predicted": Said("of the foretold savings come true"),
        },
        rivals={
            "present": "leaving everything as it is",
            "local_regulators": "every regulator on its own",
        },
    )
    family = "none"
    claim = "none"
    defaults: ClassVar[Params] = {"degree": 2, "penalty": 1e-3}
    limits = (
        "About the station, not the point: it needs the power of every feeder, the infeed's voltage, taps, "
        "capacitor steps and weather. It knows the stations that were described when it was compiled, with "
        "couplers and feeders as in normal operation, and looks at taps a few positions around the present "
        "ones. Loads count as balanced and of constant power; what single phases need is in its margin. A "
        "saving is that of the present hour, told for a day of such hours."
    )

    def rows(self, dataset: Dataset, start: date) -> Built:
        """States of the table `controls`, and further ones of `losses` to learn resistances from."""
        built = setting_rows.build(dataset, self, start)
        rows = built.rows
        series_w = setting_choice.swept(rows)
        true_w = _of(rows, "resistive_w") + _of(rows, "reactive_w")
        truth = {**rows.truth, "series": true_w / np.maximum(series_w, 1.0)}
        return replace(built, rows=replace(rows, truth={**truth, **setting_choice.optimum(rows)}))

    def targets(self, rows: Rows) -> Float:
        """The factor on resistances."""
        return _of(rows, "series")[:, None]

    def fit(self, train: Rows, params: Params, seed: int) -> PowerFlowModel:
        """Fit the factor on resistances, then slope and caution on the states that were solved."""
        del seed
        regression = self.regress(train, params)
        reach = int(np.asarray(train.truth[REACH]).max(initial=1))
        slope, caution = setting_choice.learn(train, regression.predict(train.inputs(INPUTS))[:, 0], reach)
        return PowerFlowModel(regression, slope, caution, reach)

    def calibrate(self, fitted: PowerFlowModel, validation: Rows) -> PowerFlowModel:
        """Widen the margin where a validation state would break a limit with it."""
        series = self.estimates(fitted, validation)[:, 0]
        states = setting_choice.states_of(validation, series, fitted.reach)
        needed = setting_choice.safe_margin(states, fitted.caution.uneven)
        margin = max(fitted.caution.margin_pu, needed)
        return replace(fitted, caution=Caution(margin_pu=margin, uneven=fitted.caution.uneven))

    def score(self, fitted: PowerFlowModel, rows: Rows) -> float:
        """Mean absolute error of the factor on resistances, negative."""
        found = self.estimates(fitted, rows)[:, 0]
        return -float(np.abs(found - _of(rows, "series")).mean())

    def answer(self, fitted: PowerFlowModel, rows: Rows) -> Columns:
        """The chosen settings, and what they truly save."""
        series = self.estimates(fitted, rows)[:, 0]
        return chosen_by(rows, fitted.reach, series, by_caution(fitted.caution, fitted.slope))

    def served(self, decoder: Mapping[str, Any], raw: Float, rows: Rows) -> Columns:
        """The settings that a compiled version chooses, and what they truly save."""
        caution = msgspec.convert(decoder["caution"], Caution)
        chooser = by_caution(caution, float(decoder["slope"]))
        return chosen_by(rows, int(decoder["reach"]), raw[:, 0], chooser)

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The present setting; what local regulators would hold; or the model's choice by HiGHS."""
        reach = int(np.asarray(rows.truth[REACH]).max(initial=1))
        ones = np.ones(len(rows))
        if name == "present":
            found = setting_choice.truly(
                rows, np.asarray(rows.truth["present_place"], dtype=np.int64), 0 * ones
            )
            return {column: found[column] for column in ("gain_w", "broken")}
        if name == "local_regulators":
            found = dict(chosen_by(rows, reach, ones, _regulated))
            return {column: found[column] for column in ("gain_w", "broken")}
        from models.setting_programme import choose_by_programme

        fitted = self.calibrate(self.fit(train, self.defaults, 0), validation)
        series = self.estimates(fitted, rows)[:, 0]

        def chooser(circuit: CircuitFacts, found: Sensitivities, factor: Float) -> Choice:
            choice = choose_by_programme(circuit, found, factor, fitted.caution)
            return Choice(choice.values, fitted.slope * choice.saved_w, choice.present_w)

        return chosen_by(rows, fitted.reach, series, chooser)

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """How far to move each control from where it is, by one regression tree of depth 3."""
        from sklearn.tree import DecisionTreeRegressor

        del validation
        counted = train.select(np.asarray(train.truth[COUNTED], dtype=bool))
        columns = (*INPUTS, INFEED, "station_ratio_pu", "bank_share")
        tree = DecisionTreeRegressor(max_depth=3, random_state=0)
        tree.fit(counted.inputs(columns), _moves(counted))
        moves = np.asarray(tree.predict(rows.inputs(columns)), dtype=np.float64).reshape(len(rows), -1)
        place = np.full(len(rows), -1, dtype=np.int64)
        for part in setting_choice.parts(rows):
            reach = int(np.asarray(rows.truth[REACH])[part.index[0]])
            now = np.concatenate([part.standing.tap, part.standing.steps], axis=1)
            links = len(part.circuit.links)
            own = moves[part.index]
            own = np.concatenate([own[:, :links], own[:, group.LINKS :][:, : now.shape[1] - links]], axis=1)
            most = [len(link.ratios) for link in part.circuit.links]
            most += [bank.steps for bank in part.circuit.banks]
            least = [1] * links + [0] * len(part.circuit.banks)
            values = np.clip(np.rint(now + own), least, most).astype(np.int64)
            place[part.index] = setting_rows.place_of(part.circuit, part.standing.tap, reach, values)
        found = setting_choice.truly(rows, place, np.zeros(len(rows)))
        return {column: found[column] for column in ("gain_w", "broken")}

    def oracle_answer(self, rows: Rows) -> Columns | None:
        """The best of all solved settings."""
        saved = _of(rows, "optimum_w")
        return setting_choice.truly(rows, np.asarray(rows.truth["best_place"], dtype=np.int64), saved)

    def shuffled(self) -> Mapping[str, tuple[str, ...]]:
        """Tuning judges the factor on resistances: the columns of the regression."""
        return {name: (name,) for name in INPUTS}

    def compile(self, fitted: PowerFlowModel) -> Compiled:
        """The regression as a graph; the circuits of all described stations as parameters."""
        return Compiled(
            self.graph(fitted, "series"),
            ("series",),
            {
                "circuits": msgspec.to_builtins([*described().values()]),
                "slope": fitted.slope,
                "caution": msgspec.to_builtins(fitted.caution),
                "reach": fitted.reach,
                "code": group.CODE,
                "infeed": INFEED,
                "p_w": list(group.P),
                "q_var": list(group.Q),
                "tap": list(group.TAP),
                "steps": list(group.STEPS),
            },
        )

    def decode(
        self, decoder: Mapping[str, Any], raw: Float, columns: Mapping[str, Float]
    ) -> list[dict[str, Any]]:
        """The setting by names, what it saves in percent, and that by the price of energy."""
        answers: list[dict[str, Any]] = [{} for _ in range(len(raw))]
        caution = msgspec.convert(decoder["caution"], Caution)
        for circuit in msgspec.convert(decoder["circuits"], list[CircuitFacts]):
            index = np.flatnonzero(columns[decoder["code"]] == circuit.code)
            if not index.size:
                continue
            slots = {
                name: np.stack([columns[one][index] for one in decoder[name]], axis=1)
                for name in ("p_w", "q_var", "tap", "steps")
            }
            feeders, links, banks = len(circuit.lines), len(circuit.links), len(circuit.banks)
            choice = advise(
                circuit,
                Served(
                    slots["p_w"][:, :feeders], slots["q_var"][:, :feeders], columns[decoder["infeed"]][index]
                ),
                (slots["tap"][:, :links], slots["steps"][:, :banks], int(decoder["reach"])),
                raw[index, 0],
                caution,
            )
            saved_w = decoder["slope"] * choice.saved_w
            for row, at in enumerate(index.tolist()):
                values = choice.values[row].tolist()
                answers[at] = {
                    "optimal_configuration": {
                        "taps": {
                            unit: position
                            for link, position in zip(circuit.links, values, strict=False)
                            for unit in link.units
                            if link.ratios
                        },
                        "capacitor_steps": {
                            bank.name: number
                            for bank, number in zip(circuit.banks, values[links:], strict=True)
                        },
                    },
                    "efficiency_gain": float(100.0 * saved_w[row] / choice.present_w[row]),
                    "cost_savings": float(saved_w[row] / W_PER_MW * HOURS_A_DAY * circuit.price_per_mwh),
                }
        return answers

    def beside(self, fitted: PowerFlowModel) -> dict[str, Any]:
        """Slope, caution and reach."""
        return {
            "slope": fitted.slope,
            "caution": msgspec.to_builtins(fitted.caution),
            "reach": fitted.reach,
        }


def _regulated(circuit: CircuitFacts, found: Sensitivities, series: Float) -> Choice:
    """What local regulators come to rest at, of the settings within reach.

    Each bank is switched so that its transformer passes the least reactive power at the present taps; each
    tap changer then brings its busbar nearest to the voltage that it holds.
    """
    from substations.settings import grid

    reach = found.reach
    links = len(circuit.links)
    values = np.zeros_like(reach.low)
    for row in range(len(values)):
        options = reach.low[row] + grid(tuple(reach.count[row].tolist()))
        half = (reach.count[row] - 1) / 2.0
        basis = terms((options - reach.low[row] - half) / np.maximum(half, 0.5))
        q_pu, v_pu = basis @ found.q_pu[row], basis @ found.v_pu[row]
        stay = (options[:, :links] == np.rint(reach.present[row, :links])).all(axis=1)
        fed = [k for k, link in enumerate(circuit.links) if any(b.section == link.low for b in circuit.banks)]
        passed = np.abs(q_pu[:, fed]).sum(axis=1)
        steps = options[np.argmin(np.where(stay, passed, np.inf)), links:]
        held = np.array([_held(circuit, link.low) for link in circuit.links])
        off = np.square(v_pu[:, [link.low for link in circuit.links]] - held).sum(axis=1)
        same = (options[:, links:] == steps).all(axis=1)
        values[row] = options[np.argmin(np.where(same, off, np.inf))]
    return Choice(values, np.zeros(len(values)), series * found.present_series_w + found.present_core_w)


def _held(circuit: CircuitFacts, section: int) -> float:
    """Voltage that is held in a section, pu."""
    return next(held for least_kv, held in HELD_PU if circuit.sections[section].nominal_kv >= least_kv)


def _moves(rows: Rows) -> Float:
    """From the present to the best setting: positions by the links' slots, then steps of banks, [n, …]."""
    found = np.zeros((len(rows), group.LINKS + group.BANKS))
    best = np.asarray(rows.truth["best_place"], dtype=np.int64)
    for part in setting_choice.parts(rows):
        reach = int(np.asarray(rows.truth[REACH])[part.index[0]])
        count = [2 * reach + 1 if link.ratios else 1 for link in part.circuit.links]
        count += [bank.steps + 1 for bank in part.circuit.banks]
        digits = np.stack(np.unravel_index(best[part.index], count), axis=1).astype(np.float64)
        links = len(part.circuit.links)
        tapped = np.array([bool(link.ratios) for link in part.circuit.links])
        found[part.index, :links] = np.where(tapped, digits[:, :links] - reach, 0.0)
        steps = digits[:, links:] - part.standing.steps
        found[part.index, group.LINKS : group.LINKS + steps.shape[1]] = steps
    return found


def _of(rows: Rows, name: str) -> Float:
    """A truth column as numbers."""
    return np.asarray(rows.truth[name], dtype=np.float64)


DEFINITION = PowerFlowOptimization()
