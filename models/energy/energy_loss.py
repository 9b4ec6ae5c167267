"""`energy_loss`: what the whole station loses, and which part of it stands out.

The nameplates' formula leaves out temperatures of windings and conductors, true voltages, circulating and
charging currents, and harmonics. The model estimates by what factor each part of the true loss differs from
the formula's total, so that stations of any size share one regression.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from data_contracts.dataset import Dataset
from models import station_rows
from models.dataset import Built
from models.declaration import Bar, Output, Params, Shown, Target
from models.estimates import absolute_error
from models.metrics import Columns, accuracy, determination
from models.plain import Plain, Said
from models.polynomials import PolynomialRidge
from models.protocol import Compiled
from models.rows import Rows
from models.station_ridge import StationRidge

Float = NDArray[np.float64]

CLASSES = station_rows.PARTS
INPUTS = (
    "no_load_share",
    "nameplate_loss_pct",
    "station_tan_phi",
    "station_low_share",
    "infeed_v_pu",
    "station_ratio_pu",
    "bank_share",
    "ambient_c",
    "ghi_w_m2",
    "wind_m_s",
    "hour_sin",
    "hour_cos",
)
"""Columns of the regression; the other features make watts and categories of its ratios."""

DESIGN = ("design_resistive_share", "design_reactive_share")


@dataclass(frozen=True, slots=True)
class EnergyLossModel:
    """The fitted model.

    Attributes:
        regression: Resistive, reactive and core loss over the loss by nameplates.
        offsets: What the design shares of a solved station have above those by nameplates, by part.
    """

    regression: PolynomialRidge
    offsets: tuple[float, float, float] = (0.0, 0.0, 0.0)


class EnergyLoss(StationRidge[EnergyLossModel]):
    """Ridge regression on polynomials of twelve inputs, three targets over the nameplates' loss."""

    name = "energy_loss"
    version = 1
    title = "Loss of the whole station, and the part of it that stands out"
    module = "energy"
    algorithm = "linear regression on polynomial features, ridge"
    proof = "estimator"
    tables = ("losses",)
    features = (*INPUTS, "nameplate_loss_w", *DESIGN)
    target = Target(
        "part of the loss furthest above its share at 75 % of the base load",
        ("total_w", "resistive_w", "reactive_w", "core_w"),
        CLASSES,
    )
    inputs = INPUTS
    outputs = (
        Output(
            "estimated_loss",
            truth="true loss of the solved station over the power that the grid supplies, %",
            metric="loss_mae_pct",
        ),
        Output("loss_in_watts", truth="true loss of the solved station", metric="loss_mae_w", magnitude=1e6),
        Output(
            "loss_category",
            truth="part whose share in the true loss is furthest above its share at the design load",
            metric="category_accuracy",
        ),
    )
    metrics = (
        absolute_error("loss_mae_w", "loss_w", "total_w", "counted"),
        absolute_error("loss_mae_pct", "loss_pct", "loss_pct", "counted"),
        determination("r2", "counted", "error_w", "total_w"),
        accuracy("category_accuracy", len(CLASSES), "code", "code"),
    )
    headline = "loss_mae_w"
    opponents = ("nameplate",)
    bars = (
        Bar("loss_mae_w", None, cuts={"nameplate": 0.5}),
        Bar("r2", 0.97),
        Bar("category_accuracy", None, beats=("nameplate",)),
    )
    shown = (Shown("value", "loss_w", "total_w", unit="W"),)
    plain = Plain(
        purpose="Tells how much power a station loses now, and which part of it loses more than it should.",
        main="loss_mae_w",
        said={
            "loss_mae_w": Said("mean error of the station's loss", "kW", 1e-3),
            "r2": Said("of the loss's ups and downs are explained"),
            "category_accuracy": Said(
                "of the quarters of an hour have the part that stands out named rightly"
            ),
        },
        rivals={"nameplate": "adding up the nameplates"},
    )
    family = "linear"
    claim = "exact"
    defaults: ClassVar[Params] = {"degree": 2, "penalty": 1e-4}
    limits = (
        "About the station, not the point: it needs the power of every feeder, the infeed's voltage, taps, "
        "capacitor steps and weather, and is silent below 5 % of the design load. Trained on couplers as in "
        "normal operation; quarters of an hour. Where two parts stand out about equally, the category is "
        "told by chance."
    )

    def rows(self, dataset: Dataset, start: date) -> Built:
        """States of the table `losses`, with each part over the loss by nameplates."""
        built = station_rows.build(dataset, self, start)
        rows = built.rows
        parts_w = np.stack([_known(rows, f"{part}_w") for part in CLASSES], axis=1)
        design = np.stack([_known(rows, f"design_{part}") for part in CLASSES], axis=1)
        total_w = _known(rows, "total_w")
        truth = {
            **rows.truth,
            **dict(zip(_RATIOS, (parts_w / rows.column("nameplate_loss_w")[:, None]).T, strict=True)),
            "loss_pct": 100.0 * total_w / _known(rows, "p_supplied_w"),
            "code": _category(parts_w, design),
            "counted": np.ones(len(rows), dtype=bool),
        }
        return replace(built, rows=replace(rows, truth=truth))

    def targets(self, rows: Rows) -> Float:
        """The three ratios."""
        return ratios_of(rows)

    def fit(self, train: Rows, params: Params, seed: int) -> EnergyLossModel:
        """Fit the three ratios at once."""
        del seed
        return EnergyLossModel(self.regress(train, params))

    def calibrate(self, fitted: EnergyLossModel, validation: Rows) -> EnergyLossModel:
        """Set the offsets of the design shares from the stations of the validation rows."""
        apart = offsets_of(validation).mean(axis=0)
        return replace(fitted, offsets=(float(apart[0]), float(apart[1]), float(apart[2])))

    def score(self, fitted: EnergyLossModel, rows: Rows) -> float:
        """Mean absolute error in watts, negative."""
        return -float(np.abs(np.asarray(self.answer(fitted, rows)["error_w"], dtype=np.float64)).mean())

    def answer(self, fitted: EnergyLossModel, rows: Rows) -> Columns:
        """Loss in watts and percent, its error, and the category's code."""
        return _columns(rows, self.estimates(fitted, rows), fitted.offsets)

    def served(self, decoder: Mapping[str, Any], raw: Float, rows: Rows) -> Columns:
        """Loss, its error and the category of a compiled version."""
        first, second, third = decoder["offsets"]
        return _columns(rows, raw, (first, second, third))

    def opponent(self, name: str, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """Loss by nameplates; what is not lost in cores is divided by P² and Q² of the feeders' sum."""
        del name, train, validation
        core, tan_phi = rows.column("no_load_share"), rows.column("station_tan_phi")
        active = (1.0 - core) / (1.0 + tan_phi**2)
        return _columns(rows, np.stack([active, 1.0 - core - active, core], axis=1), (0.0, 0.0, 0.0))

    def tree3(self, train: Rows, validation: Rows, rows: Rows) -> Columns:
        """The same three ratios in one regression tree of depth 3."""
        from sklearn.tree import DecisionTreeRegressor

        tree = DecisionTreeRegressor(max_depth=3, random_state=0).fit(train.inputs(INPUTS), ratios_of(train))
        bare = EnergyLossModel(_NOTHING)
        offsets = self.calibrate(bare, validation).offsets
        return _columns(rows, np.asarray(tree.predict(rows.inputs(INPUTS)), dtype=np.float64), offsets)

    def compile(self, fitted: EnergyLossModel) -> Compiled:
        """The polynomials and their weighted sums in double precision."""
        return Compiled(
            self.graph(fitted, "ratios"),
            ("ratios",),
            {
                "categories": list(CLASSES),
                "offsets": list(fitted.offsets),
                "loss_w": "nameplate_loss_w",
                "loss_pct": "nameplate_loss_pct",
                "design": list(DESIGN),
            },
        )

    def decode(
        self, decoder: Mapping[str, Any], raw: Float, columns: Mapping[str, Float]
    ) -> list[dict[str, Any]]:
        """Watts and percent from the nameplates' figures, and the part furthest above its design share."""
        ratios = np.maximum(raw, 0.0)
        total = ratios.sum(axis=1)
        share = total * columns[decoder["loss_pct"]] / 100.0
        design = _design(np.stack([columns[name] for name in decoder["design"]], axis=1))
        code = _category(ratios, design + np.array(decoder["offsets"]))
        watts, percent = total * columns[decoder["loss_w"]], 100.0 * share / (1.0 + share)
        return [
            {
                "estimated_loss": pct,
                "loss_in_watts": loss_w,
                "loss_category": decoder["categories"][k],
            }
            for pct, loss_w, k in zip(percent.tolist(), watts.tolist(), code.tolist(), strict=True)
        ]


_RATIOS = tuple(f"{part}_ratio" for part in CLASSES)
_NOTHING = PolynomialRidge(np.zeros(1), np.ones(1), 1, np.zeros((1, 3)), np.zeros(3))


def ratios_of(rows: Rows) -> Float:
    """True resistive, reactive and core loss over the loss by nameplates, [n, 3]."""
    return np.stack([_known(rows, name) for name in _RATIOS], axis=1)


def offsets_of(rows: Rows) -> Float:
    """What the parts' design shares of the solved station have above those by nameplates, [n, 3]."""
    design = np.stack([_known(rows, f"design_{part}") for part in CLASSES], axis=1)
    return np.asarray(design - _design(rows.inputs(DESIGN)))


def _known(rows: Rows, name: str) -> Float:
    """A truth column as numbers, [n]."""
    return np.asarray(rows.truth[name], dtype=np.float64)


def _design(shares: Float) -> Float:
    """Design shares of all three parts from those of the first two, [n, 3]."""
    return np.concatenate([shares, 1.0 - shares.sum(axis=1, keepdims=True)], axis=1)


def _category(parts: Float, design: Float) -> NDArray[np.int64]:
    """Part whose share in the sum of `parts` [n, 3] is furthest above its design share, codes [n]."""
    above = parts / parts.sum(axis=1, keepdims=True) - design
    codes: NDArray[np.int64] = above.argmax(axis=1)
    return codes


def _columns(rows: Rows, ratios: Float, offsets: tuple[float, float, float]) -> Columns:
    """What metrics need, from the parts over the loss by nameplates, [n, 3]."""
    ratios = np.maximum(ratios, 0.0)
    total = ratios.sum(axis=1)
    loss_w = total * rows.column("nameplate_loss_w")
    share = total * rows.column("nameplate_loss_pct") / 100.0
    return {
        "loss_w": loss_w,
        "loss_pct": 100.0 * share / (1.0 + share),
        "error_w": loss_w - _known(rows, "total_w"),
        "code": _category(ratios, _design(rows.inputs(DESIGN)) + np.array(offsets)),
    }


DEFINITION = EnergyLoss()
