"""The round of moments by column: what a site sends, what the gate sees, what becomes of it."""

import msgspec
import numpy as np
import pytest

from federation.errors import FederationError
from federation.families import column_moments
from federation.family import MINIMUM_ROWS
from federation.message import Message


class Settings(msgspec.Struct, frozen=True):
    columns: int


@pytest.fixture
def rows():
    rng = np.random.default_rng(8)
    X = rng.normal(3.0, 2.0, (400, 3))
    X[rng.random(400) < 0.3, 1] = np.nan
    X[MINIMUM_ROWS - 1 :, 2] = np.nan
    return X


def sent(X):
    return Message({"n": len(X)}, column_moments.answer(X))


def test_merged__two_sites__are_the_moments_of_all_measured_values(rows):
    found = column_moments.merged([sent(rows[:150]), sent(rows[150:])])
    measured = rows[np.isfinite(rows[:, 1]), 1]
    assert found.n.tolist() == [400, measured.size, 0]
    np.testing.assert_allclose(found.mean[:2], [rows[:, 0].mean(), measured.mean()], rtol=1e-12)
    np.testing.assert_allclose(found.deviation[1], measured.std(ddof=1), rtol=1e-12)


def test_answer__columns_of_few_rows__are_not_spoken_of(rows):
    own = column_moments.answer(rows)
    assert [own[name][2] for name in ("rows", "mean", "m2")] == [0, 0.0, 0.0]


def test_usable__few_rows_or_other_columns__are_refused(rows):
    assert column_moments.usable(rows, 3, "delhi") is rows
    with pytest.raises(FederationError, match=f"delhi has {MINIMUM_ROWS - 1} rows"):
        column_moments.usable(rows[: MINIMUM_ROWS - 1], 3, "delhi")
    with pytest.raises(FederationError, match="delhi: rows have 3 columns, not 4"):
        column_moments.usable(rows, 4, "delhi")


def test_ask__settings_out_of_range__are_named():
    assert column_moments.ask("some trees", Settings(3), sound=True).value("settings") == {"columns": 3}
    with pytest.raises(FederationError, match=r"some trees: settings out of range: .*columns=0"):
        column_moments.ask("some trees", Settings(0), sound=False)


@pytest.mark.parametrize(
    ("counted", "full"), [([400, 5, 0], 0), ([401, 280, 0], 0), ([400, 280, 0], 1), ([400, 280, 399], 2)]
)
def test_inspect__counts_that_no_rows_have__are_told(rows, counted, full):
    own = sent(rows)
    assert column_moments.inspect(own) == ""
    forged = Message(own.header, {**own.arrays, "rows": np.asarray(counted)})
    assert column_moments.inspect(forged, full) != ""
