"""Rules of `thermal`: each is broken once."""

import numpy as np
import pytest

MINUTES = 90


def put(columns, row, **values):
    for name, value in values.items():
        columns[name] = np.asarray(columns[name], dtype=object).tolist()
        columns[name][row] = value


def load(columns, row, pu, **values):
    """Another load of one minute, true and metered."""
    put(columns, row, load_pu=pu, load_metered_pu=pu, **values)


def warm(columns, row, kelvin):
    """Make one minute warmer in all that follows from its own hot spot."""
    hot = columns["hot_spot_c"][row] + kelvin
    put(
        columns,
        row,
        hot_spot_c=hot,
        ageing_rate=2.0 ** ((hot - 98.0) / 6.0),
        ageing_acceleration=float(np.exp(15000 / 383 - 15000 / (hot + 273))),
    )


def drop(columns, row):
    for name, values in columns.items():
        columns[name] = np.delete(np.array(values, dtype=object), row).tolist()


@pytest.mark.parametrize(
    ("expected", "spoil"),
    [
        ({"scenario_id_form": 1}, lambda c: put(c, 5, scenario_id="delhi.test.1.thermal.000000")),
        ({"known_transformer": 1}, lambda c: put(c, 0, asset="BC33.CB")),
        ({"unique_key": 1}, lambda c: put(c, 7, t=int(c["t"][6]))),
        ({"time_increasing": 1}, lambda c: put(c, 45, t=int(c["t"][0]) - 60_000)),
        ({"time_grid": 1}, lambda c: put(c, 45, t=int(c["t"][45]) + 30_000)),
        ({"load_pu.range": 1}, lambda c: put(c, 100, load_pu=54.0)),
        ({"cooling_stage.allowed": 1}, lambda c: put(c, 5, cooling_stage="ODAF")),
        ({"event.allowed": 1}, lambda c: put(c, 5, event="storm")),
        ({"hot_spot_ieee_c.finite": 1}, lambda c: put(c, 5, hot_spot_ieee_c=float("nan"))),
        ({"metered_agrees": 1}, lambda c: put(c, 5, load_metered_pu=c["load_pu"][5] * 1.1)),
        ({"measured_agrees": 1}, lambda c: put(c, 5, top_oil_measured_c=c["top_oil_c"][5] * 1.8 + 32.0)),
        ({"hot_spot_above_oil": 1}, lambda c: put(c, 5, top_oil_c=76.5, top_oil_measured_c=76.0)),
        ({"out_is_unloaded": 1}, lambda c: put(c, 5, event="out_of_service")),
        ({"ageing_agrees": 1}, lambda c: put(c, 5, ageing_rate=1.0)),
        ({"acceleration_agrees": 1}, lambda c: put(c, 5, ageing_acceleration=1.0)),
        ({"life_adds_up": 2}, lambda c: put(c, 50, loss_of_life_h=c["loss_of_life_h"][50] + 1.0)),
        ({"regime_agrees": 1}, lambda c: put(c, 5, loading_regime="long_emergency")),
        ({"regime_agrees": 1}, lambda c: put(c, 40, loading_regime="normal_cyclic")),
        ({"regime_agrees": 1}, lambda c: load(c, 5, 1.9)),
        ({"largest_ahead": 1}, lambda c: put(c, 5, hot_spot_next_60min_max_c=c["hot_spot_c"][5])),
        ({"largest_ahead": 1}, lambda c: put(c, 5, hot_spot_next_60min_max_c=None)),
        ({"largest_ahead": 1}, lambda c: put(c, 80, hot_spot_next_60min_max_c=90.0)),
        ({"largest_ahead": 1}, lambda c: put(c, 170, hot_spot_next_60min_max_c=90.0)),
        # The warm minute breaks what the rows before it say of the future, and its own life's sum.
        ({"life_adds_up": 1, "largest_ahead": 30}, lambda c: warm(c, MINUTES + 30, 40.0)),
    ],
)
def test_thermal__spoilt__is_rejected_by_its_rule(spoilt, expected, spoil):
    assert spoilt("thermal", spoil) == expected


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda c: put(c, 5, top_oil_measured_c=None), id="lost sample"),
        pytest.param(lambda c: load(c, 130, 0.0, event="out_of_service"), id="out of service"),
        pytest.param(lambda c: load(c, 130, 1.4), id="1.4 pu of a transformer up to 100 MVA"),
        pytest.param(lambda c: load(c, 130, 1.4, loading_regime="short_emergency"), id="of a large one"),
    ],
)
def test_thermal__what_happens_to_transformers__is_kept(spoilt, spoil):
    assert spoilt("thermal", spoil) == {}


def test_thermal__minute_missing__leaves_the_future_of_those_before_it_unsaid(spoilt):
    def spoil(columns):
        drop(columns, MINUTES + 75)

    # Rows 15 to 29 of the second transformer have the gap in their next hour and claim a future all the same.
    assert spoilt("thermal", spoil) == {"largest_ahead": 15}
