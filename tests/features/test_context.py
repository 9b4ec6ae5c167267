"""What a request says beside its readings: the same from plain arrays and from decoded items."""

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_contracts.wire.request import Context, Item, LoadingHistory, Weather
from data_contracts.wire.rows import pack
from features import ALL_INDEX, CONTEXT, CONTEXT_FEATURES, CONTEXT_NAMES, context_block
from features.context import GROUP_OF, GROUPS, loading, plain
from features.context.loading import MINUTES, by_minute
from features.online import windows_from_rows

END = datetime(2026, 1, 5, 8, 0, 9, tzinfo=UTC)
EVERY = range(len(GROUPS))


@pytest.fixture
def asked(nominals):
    """Features of items with the given contexts, by name."""

    def ask(*contexts, groups=EVERY):
        reading = {"v": [1.0] * 3, "i": [1.0] * 3, "p": [1.0] * 3, "q": [1.0] * 3, "f": 50.0}
        items = [
            msgspec.convert(
                {"substation": "mumbai", "point": "DTX1.LV", "readings": [{"t": END, **reading}]}, Item
            )
            for _ in contexts
        ]
        items = [
            one if known is None else msgspec.structs.replace(one, context=known)
            for one, known in zip(items, contexts, strict=True)
        ]
        windows = windows_from_rows(pack(items), [nominals] * len(items))
        return dict(zip(CONTEXT_NAMES, context_block(items, windows, groups).T, strict=True))

    return ask


def test_context_names__all__are_unique_and_lie_behind_the_others():
    assert len(set(CONTEXT_NAMES)) == len(CONTEXT_NAMES)
    assert list(ALL_INDEX)[CONTEXT] == list(CONTEXT_NAMES)
    assert set(GROUP_OF) == set(CONTEXT_NAMES)


@pytest.mark.parametrize("feature", CONTEXT_FEATURES, ids=lambda feature: feature.name)
def test_feature__needs__are_fields_of_an_item(feature):
    for path in feature.needs:
        kind = Item
        for name in path.split("."):
            field = next(one for one in msgspec.structs.fields(kind) if one.name == name)
            inner = [
                one
                for one in getattr(field.type, "__args__", (field.type,))
                if hasattr(one, "__struct_fields__")
            ]
            kind = inner[0] if inner else kind


def test_context_block__values_sent__are_the_features_and_others_are_missing(asked):
    found = asked(
        Context(ambient_c=31.5, top_oil_c=61.0, weather=Weather(wind_m_s=4.0)), Context(anomalies_24h=3), None
    )

    np.testing.assert_array_equal(found["ambient_c"], [31.5, np.nan, np.nan])
    np.testing.assert_array_equal(found["top_oil_c"], [61.0, np.nan, np.nan])
    np.testing.assert_array_equal(found["wind_m_s"], [4.0, np.nan, np.nan])
    np.testing.assert_array_equal(found["anomalies_24h"], [np.nan, 3.0, np.nan])
    assert np.isnan(found["lightning_per_h"]).all()
    assert np.isfinite(found["s_rated_log"]).all()


def test_context_block__group_not_asked_for__is_not_computed(asked):
    found = asked(
        Context(ambient_c=31.5), groups=[place for place, one in enumerate(GROUPS) if one.name != plain.GROUP]
    )

    assert np.isnan(found["ambient_c"]).all()
    assert np.isfinite(found["s_rated_log"]).all()


def test_loading__history_by_the_minute__is_what_training_computes(asked, rng):
    pu = rng.uniform(0.2, 1.2, (2, MINUTES))
    histories = [Context(loading_history=LoadingHistory(step_s=60, end=END, pu=row.tolist())) for row in pu]

    found = asked(*histories)

    wanted = loading.compute(pu)
    for place, feature in enumerate(loading.FEATURES):
        np.testing.assert_allclose(found[feature.name], wanted[:, place], rtol=1e-12, atol=1e-12)


def test_loading__ramp__has_its_slope_and_its_means(rng):
    minutes = np.arange(MINUTES)
    found = dict(
        zip(
            (one.name for one in loading.FEATURES),
            loading.compute((0.5 + 0.001 * minutes)[None])[0],
            strict=True,
        )
    )

    assert found["loading_slope_60min_pu_h"] == pytest.approx(0.06)
    assert found["loading_60min_pu"] == pytest.approx(0.5 + 0.001 * (MINUTES - 30.5))
    assert found["loading_max_240min_pu"] == pytest.approx(0.5 + 0.001 * (MINUTES - 1))


@pytest.mark.parametrize(
    "history",
    [
        {"step_s": 60, "end": END, "pu": [0.5] * (MINUTES - 1)},
        {"step_s": 60, "end": END - timedelta(minutes=3), "pu": [0.5] * MINUTES},
        {"step_s": 60, "end": END + timedelta(minutes=3), "pu": [0.5] * MINUTES},
    ],
    ids=["too short", "too old", "of the future"],
)
def test_loading__history_that_does_not_reach_from_now_four_hours_back__is_missing(asked, history):
    found = asked(Context(loading_history=LoadingHistory(**history)))

    assert np.isnan(found["loading_240min_pu"]).all()


@given(st.lists(st.floats(0, 2), min_size=1, max_size=300), st.integers(1, 1800))
def test_by_minute__any_steps__keep_the_total(values, step_s):
    found = by_minute(np.array(values), float(step_s))

    known = found[np.isfinite(found)]
    assert known.size == min(MINUTES, int(len(values) * step_s // 60))
    back = np.repeat(values, step_s)[::-1][: 60 * known.size]
    assert known.mean() == pytest.approx(back.mean(), abs=1e-9) if known.size else True
