"""The quick path gives what the plain one gives: what is left out is only what no model reads."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import features
from data_contracts.wire import decode_item, pack
from features.context import GROUPS
from features.online import windows_from_rows
from serving import abstentions, panel
from serving.engine import Engine
from serving.intake import infer
from serving.sites import Sites

EXAMPLES = Path(__file__).parents[2] / "examples"
CHANGING = ("timestamp", "inference_time_ms", "request_id")


@pytest.fixture(scope="module")
def told():
    """Items of the examples that are single ones, as the service completes them, and their windows."""
    sites = Sites.read(["mumbai"])
    items, nominals = [], []
    for path in sorted(EXAMPLES.glob("*.json")):
        body = json.loads(path.read_bytes())
        if body.get("substation") == "mumbai":
            item = decode_item(msgspec.json.encode(body))
            site = sites.find(item)
            items.append(site.equipment.complete(item))
            nominals.append(site.nominals)
    windows = windows_from_rows(pack(items), nominals)
    return items, windows, features.context_block(items, windows, range(len(GROUPS)))


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_fill_context__groups_of_some_items__are_what_all_groups_of_all_items_are(told, data):
    items, windows, whole = told
    wanted = {
        place: sorted(data.draw(st.sets(st.integers(0, len(items) - 1), min_size=1)))
        for place in data.draw(st.sets(st.integers(0, len(GROUPS) - 1)))
    }
    out = np.full_like(whole, -7.0)
    features.fill_context(out, items, windows, wanted)
    start = 0
    for place, group in enumerate(GROUPS):
        columns = slice(start, start + len(group.features))
        start = columns.stop
        rows = wanted.get(place, [])
        np.testing.assert_allclose(out[rows, columns], whole[rows, columns], rtol=1e-9, atol=1e-9)
        rest = np.setdiff1d(np.arange(len(items)), rows)
        assert (out[rest, columns] == -7.0).all()


@pytest.fixture(scope="module")
def engine(tmp_path_factory, make_publisher):
    publisher = make_publisher(tmp_path_factory.mktemp("panel"))
    publisher.publish()
    return Engine.load(publisher.home, publisher.home.current.read_text().strip())


def ask(engine, body):
    found = json.loads(infer(engine, json.dumps(body).encode(), "r"))
    for one in [found, *found.get("items", [])]:
        for name in CHANGING:
            one.pop(name, None)
    return found


def test_infer__items_with_and_without_context__batch_gives_what_each_gives_alone(engine, item):
    items = [
        item(),
        item(9),
        item() | {"context": {"ambient_c": 31.5}},
        item(1),
        item(scale=(1.0, 0.6, 1.0)) | {"models": ["voltage_anomaly"]},
        item(12),
        item(10),
    ]
    batch = ask(engine, {"items": items})["items"]
    assert batch == [ask(engine, one) for one in items]


def test_infer__bare_items_of_one_point__answers_are_kept_apart_by_readings(engine, item):
    details = [
        ask(engine, item(readings))["monitoring"]["voltage_anomaly"].get("detail")
        for readings in (9, 3, 10, 9, 12)
    ]
    assert details == [
        "readings: needs 10, got 9",
        "readings: needs 10, got 3",
        None,
        "readings: needs 10, got 9",
        None,
    ]


def test_infer__no_model_looks_at_features__none_are_computed(engine, item, monkeypatch):
    def never(windows):
        raise AssertionError

    monkeypatch.setattr(panel.features, "compute", never)
    answer = ask(engine, item(9) | {"models": ["voltage_anomaly", "load_forecast"]})
    assert answer["monitoring"]["voltage_anomaly"]["reason"] == "too_few_readings"
    assert answer["energy"]["load_forecast"]["reason"] == "not_published"


def test_absent__paths_of_several_steps__are_those_that_the_item_lacks(told):
    item = next(
        one
        for one in told[0]
        if one.context is not msgspec.UNSET and one.context.weather is not msgspec.UNSET
    )
    required = ("context.weather.wind_m_s", "context.top_oil_c", "waveform", "context.ambient_c")
    assert abstentions.absent(item, required) == ("context.top_oil_c", "waveform")
