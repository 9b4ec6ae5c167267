"""Versions of measured datasets as they are served: a request gives the inputs that training made.

What a version is served with comes from its offer alone; requests are made of the dataset's raw rows.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

import features
from data_contracts.wire import Item, check, pack
from features.context import GROUP_OF
from features.context.load_history import QUARTERS
from features.online import windows_from_rows
from features.sequence import sequence
from models.catalogue import definition
from models.observed_site import HOLIDAYS, offer
from models.time_splits import TimeSplit
from serving.measured import check_load
from serving.sites import Sites
from switchyard.home import Home
from tests.flows.stages.measured_load import START, ZONE, load, write
from tests.flows.stages.measured_requests import assets, frequency, iso, reading, readings, some, stability
from tests.models import measured_readings

local = datetime.fromisoformat
SPLIT = TimeSplit(local("2021-03-10"), local("2021-03-22"), ZONE)


def online(bodies, site, columns):
    """What the service makes of requests, float64 [n, columns], once they have kept its contract."""
    items = [msgspec.convert(body, Item) for body in bodies]
    sites = Sites.read([site.dataset], {site.dataset: site})
    points = [sites.find(item) for item in items]
    for item, point in zip(items, points, strict=True):
        check_load(item, point.measured)
    rows = pack(items)
    assert check(items, rows, [point.bounds for point in points]) == [[] for _ in items]
    last = rows.t[rows.starts[1:] - 1]
    windows = windows_from_rows(
        rows, [point.nominals_at(float(t)) for point, t in zip(points, last, strict=True)]
    )
    matrix = np.empty((len(items), len(features.ALL_INDEX)))
    matrix[:, : len(features.NAMES)] = features.compute(windows)
    matrix[:, features.SEQUENCE] = sequence(windows.channel("f"), windows.f_nom_hz)
    groups = {GROUP_OF[name] for name in columns if name in GROUP_OF}
    matrix[:, features.CONTEXT] = features.context_block(items, windows, groups)
    return matrix[:, [features.ALL_INDEX[name] for name in columns]]


def free(t):
    """Two public holidays, told by the local day of a step's middle."""
    day = datetime.fromtimestamp(t + 60.0, ZoneInfo(ZONE)).date().isoformat()
    return day in ("2021-02-17", "2021-03-25")


@pytest.mark.parametrize("step_s", [600.0, 900.0, 1800.0, 3600.0])
@pytest.mark.parametrize("algorithm", ["", "n_beats"])
def test_load__of_any_step__a_request_gives_the_inputs_of_training(tmp_path, step_s, algorithm):
    series = {"a": load(90, step_s), "b": load(90, step_s, seed=1)}
    dataset = write(Home(tmp_path), "town", series, step_s, holiday=free)
    declared = definition("load_forecast", algorithm)
    rows = declared.observed_rows(dataset, SPLIT).rows
    offered = offer(dataset, "load", rows, SPLIT)
    assert offered.requires == (HOLIDAYS,)
    bodies = []
    # Among the last rows are days on both sides of the change to summer time.
    chosen = some(rows.select(rows.t > START + 60 * 86_400))
    for t, point in zip(chosen.t, chosen.point.array(), strict=True):
        begin, p_w = series[point]
        before = int(np.searchsorted(begin, t))
        sent_s = min(step_s, 900.0)
        steps = p_w[before - int(QUARTERS * 900 / step_s) : before]
        history = np.repeat(steps, int(step_s / sent_s))
        day = datetime.fromtimestamp(t, ZoneInfo(ZONE)).date()
        around = [(day + timedelta(days=k)).isoformat() for k in range(-9, 3)]
        holidays = [one for one in around if one in ("2021-02-17", "2021-03-25")]
        bodies.append(
            {
                "substation": "town", "point": str(point), "readings": [reading(t)],
                "load_history": {"step_s": int(sent_s), "end": iso(t), "p": history.tolist()},
                "context": {"holidays": holidays},
            }
        )  # fmt: skip
    found = online(bodies, offered.site, declared.features)
    np.testing.assert_allclose(found, chosen.inputs(declared.features), rtol=1e-9, atol=1e-9)


def test_load__without_holidays_or_ratings__counts_in_the_largest_load_of_training(
    tmp_path,
):
    t, p_w = load(60, 900.0)
    dataset = write(Home(tmp_path), "town", {"a": (t, p_w)}, 900.0)
    split = TimeSplit(local("2021-02-10"), local("2021-02-20"), ZONE)
    rows = definition("load_forecast").observed_rows(dataset, split).rows
    offered = offer(dataset, "load", rows, split)
    before = t < local("2021-02-10").replace(tzinfo=ZoneInfo(ZONE)).timestamp()
    assert offered.requires == ()
    assert offered.site.points["a"].rated_mva == pytest.approx(np.abs(p_w[before]).max() / 1e6, rel=1e-12)
    assert offered.site.time_zone == ZONE


def gives_the_inputs_of_training(case, rtol=1e-12, atol=0.0):
    offered = offer(case.dataset, case.table, case.rows, case.split)
    found = online(case.bodies, offered.site, case.declared.features)
    np.testing.assert_allclose(found, case.chosen.inputs(case.declared.features), rtol=rtol, atol=atol)


def test_frequency__ten_readings_of_frequency_alone__give_the_inputs_of_training(tmp_path):
    gives_the_inputs_of_training(frequency(Home(tmp_path)), rtol=0, atol=1e-12)


def test_readings__of_a_second__give_the_inputs_of_training(tmp_path, monkeypatch):
    gives_the_inputs_of_training(readings(Home(tmp_path), monkeypatch), atol=1e-12)


def test_stability__what_a_control_centre_sends__gives_the_inputs_of_training(tmp_path):
    gives_the_inputs_of_training(stability(Home(tmp_path)))


def test_assets__condition_of_a_piece__gives_the_inputs_of_training(tmp_path):
    gives_the_inputs_of_training(assets(Home(tmp_path)))


def test_readings__of_another_step__are_not_served_and_the_offer_says_why(tmp_path):
    v, _ = measured_readings.voltages()
    dataset = measured_readings.write(Home(tmp_path), "plant", measured_readings.of_phases(v))
    split = measured_readings.split_of(dataset)
    rows = definition("voltage_anomaly", "phase_voltages").observed_rows(dataset, split).rows
    offered = offer(dataset, "readings", rows, split)
    assert offered.site is None
    assert offered.refusal == "its windows are of readings 30 s apart, and those of a request are 1 s apart"
