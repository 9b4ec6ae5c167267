"""`overload_risk` from sums: a compiled version with its own cuts."""

import numpy as np
import pytest

from federation.plans import plan
from federation.rounds import fit_here
from models.compilation import TOLERANCE, check_parity
from models.hot_spot_levels import CRITICAL, LIMITS_C, OVER, level_of
from models.maintenance.overload_risk import DEFINITION
from models.overload_rows import AHEAD, DAY_AGO
from models.runtime import CompiledModel
from tests.federation.made_rows import rows_of

N = 1500


def hot_rows(seed):
    """Rows around the standard's forecast; the day before is known to every other one."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, len(DEFINITION.features)))
    held = rng.uniform(60.0, 160.0, N)
    X[:, DEFINITION.features.index(AHEAD)] = held
    X[1::2, [DEFINITION.features.index(name) for name in DAY_AGO]] = np.nan
    hottest = held + 3.0 + 2.0 * X[:, 0] + rng.normal(0.0, 0.5, N)
    code = level_of(hottest)
    over = hottest > LIMITS_C[1]
    truth = {
        "hottest_c": hottest,
        "code": code,
        "critical": code == CRITICAL,
        "over": code >= OVER,
        "counted": np.ones(N, dtype=bool),
        "day_known": np.arange(N) % 2 == 0,
        "hours_known": np.arange(N) % 2 == 1,
        "exceeds": over,
        "minutes": np.where(over, np.clip(160.0 - hottest, 1.0, 60.0), 60.0),
    }
    return rows_of(DEFINITION, X, truth, rng)


@pytest.fixture(scope="module")
def made():
    mine = plan("overload_risk")
    sites = {name: mine.local_data(hot_rows(seed)) for seed, name in enumerate(("mumbai", "delhi"))}
    return fit_here(mine.family, mine.settings({}, "seed"), sites)


def test_fitted__sums_of_two_sites__tell_levels_of_rows_of_a_third(made):
    rows = hot_rows(7)
    answer = DEFINITION.answer(plan("overload_risk").fitted(made), rows)

    assert DEFINITION.metric("macro_f1").of(answer, rows) > 0.85
    assert DEFINITION.metric("critical_recall").of(answer, rows) > 0.9
    assert DEFINITION.metric("hot_spot_mae_c").of(answer, rows) < 1.0


def test_fitted__compiled__is_the_same_small_graph(made):
    fitted, rows = plan("overload_risk").fitted(made), hot_rows(8)
    compiled = DEFINITION.compile(fitted)

    parity = check_parity(DEFINITION, fitted, compiled, CompiledModel(compiled.onnx), rows)

    assert parity.flips == 0
    assert parity.largest <= TOLERANCE
    assert len(compiled.onnx) < 300_000
    assert DEFINITION.native(fitted, rows) is None


def test_probes__made_up_rows__reach_every_level_in_both_forms(made):
    mine = plan("overload_risk")
    X = mine.probes(made, 64, np.random.default_rng(0))
    fitted = mine.fitted(made)
    raw, known = DEFINITION.raw(fitted, X), np.isfinite(X[:, DEFINITION.features.index(DAY_AGO[0])])

    for form in (known, ~known):
        assert set(level_of(raw[form, 0]).tolist()) == {0, 1, 2, 3}
