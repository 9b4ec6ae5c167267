"""Ridge regression on polynomials, exactly that of pooled rows, from two rounds of moments.

Round 0 merges the moments of the columns, from which the control centre has the means and deviations that
standardise them, and the means of figures beside them, taken on other rows. In round 1 every site makes the
terms of its standardised rows and sends the moments of terms and targets. The normal equations of the merged
moments, with one penalty for all, are those of pooled rows.

Local data: `X` float64 [n, columns], `Y` float64 [n, targets], `beside` float64 [m, figures]; all finite.

Source: Hoerl and Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems", Technometrics 12
(1970).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from federation import moments
from federation.errors import FederationError
from federation.families.settings import read_settings
from federation.family import MINIMUM_ROWS, Expected, LocalData, in_order
from federation.message import Message, State, Update
from federation.moments import Moments
from models.declaration import Claim
from models.polynomials import MOST_SD, PolynomialRidge, places_of

LARGEST_VALUE = 1e6
"""Columns and targets are shares, ratios, percent and weather: a mean beyond this is no figure of ours."""

MOST_DEGREE = 3


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hyper-parameters of the family.

    Attributes:
        columns: Columns of a row.
        targets: Targets of a row.
        figures: Figures beside them, of which only the mean is asked.
        degree: Highest degree of the polynomials.
        penalty: Weight of the squared coefficients, as a share of the number of rows.
    """

    columns: int
    targets: int
    figures: int
    degree: int
    penalty: float

    @property
    def terms(self) -> int:
        """Number of terms of the polynomials."""
        return sum(len(part) for part in places_of(self.columns, self.degree))


class Linear:
    """The family of `energy_loss`. Phases: moments, terms, done."""

    name: ClassVar[str] = "linear"
    claim: ClassVar[Claim] = "exact"

    def start(self, settings: Mapping[str, Any], rows: Mapping[str, int]) -> State:
        """Ask for the moments of the columns.

        Raises:
            FederationError: A hyper-parameter is unknown, of the wrong type or out of range.
        """
        del rows
        checked = read_settings("linear", settings, Settings)
        if not (checked.columns >= 1 and 1 <= checked.degree <= MOST_DEGREE and checked.penalty > 0):
            raise FederationError(f"linear: settings out of range: {checked}")
        return Message({"phase": "moments", "settings": msgspec.to_builtins(checked)})

    def finished(self, state: State) -> bool:
        """Whether the coefficients are there."""
        return bool(state.value("phase") == "done")

    def told(self, state: State) -> State:
        """Sites get the means and deviations of the columns, not what the others have beside them."""
        return Message(
            state.header, {name: array for name, array in state.arrays.items() if name != "beside"}
        )

    def local_update(self, state: State, data: LocalData, site: str) -> Update:
        """Moments of the columns and means beside them; then moments of terms and targets.

        Raises:
            FederationError: The site has fewer than `MINIMUM_ROWS` rows of a kind, or other columns.
        """
        settings, X = _settings(state), data["X"]
        fewest = min(X.shape[0], data["beside"].shape[0])
        if fewest < MINIMUM_ROWS:
            raise FederationError(f"{site} has {fewest} rows, statistics need {MINIMUM_ROWS}")
        if X.shape[1] != settings.columns:
            raise FederationError(f"{site}: rows have {X.shape[1]} columns, not {settings.columns}")
        n = int(X.shape[0])
        if state.value("phase") == "moments":
            own, beside = Moments.of(X), data["beside"]
            count = np.array([beside.shape[0]], dtype=np.int64)
            return Message(
                {"n": n},
                {"mean": own.mean, "m2": own.m2, "beside": beside.mean(axis=0), "beside_n": count},
            )
        own = Moments.of(np.column_stack([_bare(state).terms(X), data["Y"]]))
        return Message({"n": n}, {"mean": own.mean, "m2": own.m2})

    def expects(self, state: State, site: str, most: int) -> Mapping[str, Expected]:
        """Moments of bounded columns; terms are bounded by the cut of standardised columns."""
        del site
        settings = _settings(state)
        largest, d = LARGEST_VALUE, settings.columns
        if state.value("phase") == "terms":
            largest, d = max(LARGEST_VALUE, MOST_SD**MOST_DEGREE), settings.terms + settings.targets
        spread = most * largest**2
        found = {
            "mean": Expected("<f8", (d,), -largest, largest),
            "m2": Expected("<f8", (d, d), -spread, spread),
        }
        if state.value("phase") == "moments":
            found["beside"] = Expected("<f8", (settings.figures,), -LARGEST_VALUE, LARGEST_VALUE)
            found["beside_n"] = Expected("<i8", (1,), MINIMUM_ROWS, most)
        return found

    def inspect(self, state: State, update: Update) -> str:
        """Cross-products must be those of some rows."""
        del state
        m2 = update.array("m2")
        least = float(np.linalg.eigvalsh((m2 + m2.T) / 2.0)[0])
        if not np.allclose(m2, m2.T, rtol=1e-9) or least < -1e-9 * float(np.trace(m2)):
            return "m2 is no cross-product of rows"
        return ""

    def aggregate(self, state: State, updates: Mapping[str, Update]) -> State:
        """Standardisation from merged moments; then the penalised normal equations.

        Sites are merged in the order of their names, so that the result does not depend on who came first.
        """
        settings, ordered = _settings(state), in_order(updates)
        merged = moments.merge(Moments(u.n, u.array("mean"), u.array("m2")) for u in ordered)
        if state.value("phase") == "moments":
            counts = np.array([float(u.array("beside_n")[0]) for u in ordered])
            means = np.stack([u.array("beside") for u in ordered])
            # As numpy's std, n in the denominator.
            scale = np.sqrt(np.maximum(np.diag(merged.m2), 0.0) / merged.n)
            return Message(
                {**state.header, "phase": "terms"},
                {
                    "centre": merged.mean,
                    "scale": np.where(scale > 0, scale, 1.0),
                    "beside": (counts[:, None] * means).sum(axis=0) / counts.sum(),
                },
            )
        terms = settings.terms
        normal = merged.m2[:terms, :terms] + settings.penalty * merged.n * np.eye(terms)
        coefficients = np.linalg.solve(normal, merged.m2[:terms, terms:])
        return Message(
            {**state.header, "phase": "done"},
            {
                **state.arrays,
                "coefficients": coefficients,
                "intercept": merged.mean[terms:] - merged.mean[:terms] @ coefficients,
            },
        )

    def result(self, state: State) -> tuple[PolynomialRidge, NDArray[np.float64]]:
        """The regression, and the means of the figures beside it.

        Raises:
            FederationError: It is not finished.
        """
        if not self.finished(state):
            raise FederationError(f"linear: not finished, in phase {state.value('phase')!r}")
        regression = PolynomialRidge(
            state.array("centre"),
            state.array("scale"),
            _settings(state).degree,
            state.array("coefficients"),
            state.array("intercept"),
        )
        return regression, state.array("beside")


def _settings(state: State) -> Settings:
    return msgspec.convert(state.value("settings"), Settings)


def _bare(state: State) -> PolynomialRidge:
    """The regression without its coefficients, for its terms."""
    nothing = np.zeros(0)
    return PolynomialRidge(
        state.array("centre"), state.array("scale"), _settings(state).degree, nothing, nothing
    )
