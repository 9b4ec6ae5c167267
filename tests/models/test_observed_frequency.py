"""What is said of a forecast on a recording of frequency, in which nobody knows of events."""

from types import SimpleNamespace

import numpy as np

from models.evaluation import Answers
from models.monitoring.frequency_stability import DEFINITION
from models.observed_training import figures
from models.rows import Names, Rows


def quiet_rows(n: int = 40) -> Rows:
    rng = np.random.default_rng(0)
    none, all_ = np.zeros(n, dtype=bool), np.ones(n, dtype=bool)
    change = rng.normal(0.0, 0.004, n)
    return Rows(
        columns=(),
        X=np.zeros((n, 0)),
        truth={
            "change_hz": change,
            "f_ahead_hz": 50.0 + change,
            "trend": np.zeros(n, dtype=np.int64),
            "quiet": all_,
            "announced": all_,
            **dict.fromkeys(("onset", "recovery", "straddle"), none),
        },
        substation=Names.of(["ce"] * n),
        episode=Names.of([f"ce.{k // 10}" for k in range(n)]),
        kind=Names.of(["quiet"] * n),
        point=Names.of(["SYSTEM"] * n),
        point_kind=Names.of(["system"] * n),
        t=np.arange(n, dtype=np.float64),
        split=np.full(n, 2, dtype=np.int8),
    )


def test_figures__recording_without_events__leave_out_what_no_second_tells():
    from models import frequency_regimes

    rows = quiet_rows()
    still = np.zeros(len(rows))
    half = 0.5 * np.asarray(rows.truth["change_hz"])
    by = {
        name: frequency_regimes.answer(rows, change, still)
        for name, change in (("model", half), ("persistence", still))
    }
    found = figures(
        SimpleNamespace(name="frequency_stability", metrics=DEFINITION.metrics), Answers(rows, by), "ce"
    )
    assert all(one.value is not None for one in found)
    assert {one.metric for one in found} == {
        *("skill", "quiet_mae_mhz", "trend_accuracy", "trend_macro_f1", "stability_score_mae"),
    }
    ahead = next(one for one in found if one.who == "persistence" and one.metric == "quiet_mae_mhz")
    assert ahead.value == 2.0 * next(one.value for one in found if one.metric == "quiet_mae_mhz")
    assert ahead.ahead > 0
