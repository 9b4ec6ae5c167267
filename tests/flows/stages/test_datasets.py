"""Which versions of measured datasets are published, and what the service then answers with them."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from unittest.mock import patch

import msgspec
import numpy as np
import pytest

from data_contracts.answers import MODULE_OF
from data_contracts.dataset import Dataset
from data_contracts.measured_site import MeasuredPoint, MeasuredSite
from features.context.load_history import QUARTERS
from flows.job import Job
from flows.service import running_service
from flows.stages import datasets, observed, serving
from models import registry
from models.card import MEASURED
from models.comparison import Served
from models.compilation import by_name
from models.errors import RegistryError
from models.observed_site import UNSERVED
from models.promotion import needed
from models.registry import RegisteredVersion
from models.time_splits import TimeSplit
from serving.engine import Engine
from serving.errors import SnapshotError
from serving.intake import infer
from serving.snapshot import CHALLENGER, PublishedModel, current_name, open_snapshot
from switchyard.client import Client, RefusedError
from switchyard.home import Home
from switchyard.settings import get_settings
from tests.flows.stages import measured_requests
from tests.flows.stages.measured_load import load, write
from tests.flows.stages.measured_requests import NOTHING
from tests.serving.compiled_models import compile_voltage_anomaly

STEP_S, DAYS = 3600.0, 70
DATES = ("2021-02-20", "2021-03-01")


def version(name, created=0, **tags):
    """A champion as the registry tells of it."""
    known = {"profile": MEASURED, "trained_by": "local", **needed(name)}
    return RegisteredVersion(
        name=name, version=1, alias="champion", run_id="", model_id="", tags=known | tags,
        created=datetime.fromtimestamp(created, UTC),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (version("load_forecast.north-south", trained_by="federated"), "it was federated over several sites"),
        (version("load_forecast.mumbai"), "mumbai is the name of a described substation"),
        (version("load_forecast.north", catalogue_digest="other"), "made for another catalogue_digest"),
        (version("voltage_anomaly.north", **{UNSERVED: "30 s apart"}), "30 s apart"),
    ],
)
def test_choose__version_that_cannot_be_served__is_left_out_with_the_reason(made, why, tmp_path):
    chosen = datasets.choose(Home(tmp_path), {made.name: made}, tmp_path)
    assert why in chosen.left_out[made.name]
    assert (chosen.routes, chosen.models) == ({}, [])


def test_choose__version_of_a_substation__is_none_of_a_dataset(tmp_path):
    made = version("load_forecast.delhi", profile="quick")
    chosen = datasets.choose(Home(tmp_path), {made.name: made}, tmp_path)
    assert (chosen.left_out, chosen.routes) == ({}, {})


def test_of_datasets__several__newest_first():
    made = [version("load_forecast.a", 1), version("load_forecast.b", 3), version("voltage_anomaly.a", 2)]
    found = [one.name for one in datasets.of_datasets({one.name: one for one in made})]
    assert found == ["load_forecast.b", "voltage_anomaly.a", "load_forecast.a"]


BOARD = MeasuredPoint(kind="feeder", rated_mva=12.0)


def site(**changes):
    told = {"dataset": "north", "frequency_hz": 50.0, "time_zone": "UTC", "points": {"a": BOARD}}
    return MeasuredSite(**(told | changes))


def test_differs__what_the_newer_version_knows__is_right():
    chosen = datasets.Chosen(sites={"load_forecast.north": site()})
    other = site(points={"a": MeasuredPoint(kind="feeder", rated_mva=9.0)})
    assert chosen.differs("voltage_anomaly.north", site()) == ""
    assert chosen.differs("voltage_anomaly.south", msgspec.structs.replace(other, dataset="south")) == ""
    said = chosen.differs("voltage_anomaly.north", other)
    assert said.startswith(
        "rated_mva of a is 12, not 9 as load_forecast.north has it; train voltage_anomaly.north"
    )
    assert "before versions of datasets were served" in chosen.differs("voltage_anomaly.north", None)


def test_drop_unfit__challenger_that_counts_a_load_otherwise__is_dropped_and_told(tmp_path):
    made = version("voltage_anomaly.north")
    chosen = datasets.Chosen(versions={made.name: made}, sites={made.name: site()})
    other = site(points={"a": MeasuredPoint(kind="feeder", rated_mva=9.0)})
    beside = [
        PublishedModel(
            f"voltage_anomaly{of}", "2",
            compile_voltage_anomaly(tmp_path / of[1:], spec={"site": msgspec.to_builtins(told)}),
            alias=CHALLENGER,
        )
        for of, told in ((".north", other), (".south", site(dataset="south")))
    ]  # fmt: skip
    assert chosen.drop_unfit(beside) == ["voltage_anomaly.north"]
    assert "rated_mva of a is 12, not 9" in chosen.left_out["voltage_anomaly.north version 2"]
    beside[0] = PublishedModel(
        made.name, "3", compile_voltage_anomaly(tmp_path / "same", spec={"site": msgspec.to_builtins(site())})
    )
    assert chosen.drop_unfit(beside) == []


def test_publish__neither_the_profile_nor_a_dataset_was_trained__is_refused(tmp_path):
    with pytest.raises(RegistryError, match="has no champion to publish"):
        serving.publish(Job.of("tiny", str(tmp_path)))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home with two feeders of one dataset, and a forecast that learnt from them."""
    found = Home(tmp_path_factory.mktemp("utility"))
    feeders = {"a": load(DAYS, STEP_S), "b": load(DAYS, STEP_S, seed=1)}
    write(found, "town", feeders, STEP_S)
    return found


def switchyard(home, *words):
    """Run the command line in a process of its own; returns what it said."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    environment |= {"SWITCHYARD_HOME": str(home.root), "SWITCHYARD_PROFILE": "tiny"}
    done = subprocess.run(
        [sys.executable, "-c", "from switchyard.cli import main; main()", *words],
        env=environment, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def published(home):
    """What `train` and `publish` said."""
    dates = ("--validation-from", DATES[0], "--test-from", DATES[1])
    trained = switchyard(
        home, "train", "load_forecast", "--dataset", "town", "--algorithm", "n_beats", "--trials", "1", *dates
    )
    return trained, switchyard(home, "publish")


def asked(home, count=12):
    """Requests of what a gateway would know at test instants, and the rows that training made of these."""
    dataset = Dataset.open(home.dataset("town"))
    made = registry.get(home, "load_forecast.town", "champion")
    served = Served.of(home, made)
    split = TimeSplit.read(made.tags["split"])
    rows = served.declared.observed_rows(dataset, split).rows
    test = rows.select(rows.split == 2)
    chosen = test.select(np.unique(np.linspace(0, len(test) - 1, count).astype(int)))
    series = {"a": load(DAYS, STEP_S), "b": load(DAYS, STEP_S, seed=1)}
    bodies = []
    for t, point in zip(chosen.t.tolist(), chosen.point.array().tolist(), strict=True):
        begin, p_w = series[point]
        before = int(np.searchsorted(begin, t))
        quarters = np.repeat(p_w[before - QUARTERS // 4 : before], 4)
        now = datetime.fromtimestamp(t, UTC).isoformat()
        bodies.append(
            {
                "substation": "town", "point": point, "readings": [{"t": now} | NOTHING],
                "load_history": {"step_s": 900, "end": now, "p": quarters.tolist()},
            }
        )  # fmt: skip
    return bodies, served, chosen


def predicted(served, rows):
    """Answers of the version's own predictor on rows of training."""
    raw = served.model(rows.inputs(served.features))
    return served.declared.decode(served.decoder, raw, by_name(served.declared, rows))


def check_answers(answers, expected):
    assert len(answers) == len(expected) > 0
    for answer, wanted in zip(answers, expected, strict=True):
        told = answer["energy"]["load_forecast"]
        assert told["status"] == "ok", told
        assert told["model_version"] == "load_forecast.town:1"
        assert told["forecasted_load"] == pytest.approx(wanted["forecasted_load"], rel=1e-5, abs=10.0)
        for horizon, interval in wanted["confidence_interval"].items():
            assert told["confidence_interval"][horizon] == pytest.approx(interval, rel=1e-5, abs=10.0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_service__of_a_trained_and_published_dataset__answers_as_the_predictor_does(home, published):
    trained, said = published
    assert "to serve the champion as substation town: switchyard publish" in trained
    assert "serving snapshot" in said
    assert "not served" not in said
    name = current_name(home)
    assert open_snapshot(home, name).manifest.routes == {"town": {"load_forecast": "load_forecast.town"}}
    bodies, served, rows = asked(home)
    with running_service(home) as service:
        client: Client = service.wait_ready()
        answers = [client.infer(body) for body in bodies]
        batch = client.infer(bodies)
        with pytest.raises(RefusedError, match=r"there is no substation 'city'.*answers for town"):
            client.infer(bodies[0] | {"substation": "city"})
    expected = predicted(served, rows)
    check_answers(answers, expected)
    check_answers(batch, expected)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("table", ["frequency", "readings", "stability", "assets"])
def test_infer__of_every_other_table__answers_as_the_predictor_does(table, tmp_path, monkeypatch):
    home = Home(tmp_path)
    more = (monkeypatch,) if table == "readings" else ()
    case = getattr(measured_requests, table)(home, *more)
    job = Job.of("tiny", str(home.root))
    observed.train(job, case.model, case.dataset.name, algorithm=case.algorithm, trials=1)
    made = serving.publish(job)
    name = f"{case.model}.{case.dataset.name}"
    assert (made.routes, made.left_out) == ({case.dataset.name: {case.model: name}}, {})
    engine = Engine.load(home, made.snapshot)
    served = Served.of(home, registry.get(home, name, "champion"))
    for body, wanted in zip(case.bodies, predicted(served, case.chosen), strict=True):
        found = json.loads(infer(engine, json.dumps(body).encode(), "r1"))
        told = found[MODULE_OF[case.model]][case.model]
        assert told.pop("status") == "ok", told
        assert told.pop("model_version") == f"{name}:1"
        alike(told, wanted)


def alike(one, other):
    """See that two answers are the same but for the grain of float32."""
    assert one.keys() == other.keys()
    for field, value in one.items():
        if isinstance(value, dict):
            alike(value, other[field])
        elif isinstance(value, float):
            assert value == pytest.approx(other[field], rel=1e-5, abs=1e-6), field
        else:
            assert value == other[field], field


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_engine__of_a_machine_without_the_dataset__answers_from_the_snapshot_alone(home, published, tmp_path):
    replica = Home(tmp_path / "replica")
    shutil.copytree(home.serving, replica.serving)
    engine = Engine.load(replica, current_name(replica))
    assert engine.sites.names == {"town": ("a", "b")}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_publish__damaged_version__is_refused_and_what_is_served_stays(home, published):
    before = current_name(home)
    job = Job.of("tiny", str(home.root))
    (graph,) = home.artifacts.rglob("compiled/model.onnx")
    (spec,) = home.artifacts.rglob("compiled/spec.json")
    for file, damage in ((graph, lambda data: data[: len(data) // 2]), (spec, lambda _: b"{")):
        whole = file.read_bytes()
        file.write_bytes(damage(whole))
        try:
            with pytest.raises(SnapshotError):
                serving.publish(job)
        finally:
            file.write_bytes(whole)
        assert current_name(home) == before
    again = serving.publish(job)
    assert (again.snapshot, again.anew) == (before, False)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_publish__a_substation_of_the_same_name_is_described__the_dataset_is_not_served(
    home, published, tmp_path
):
    (tmp_path / "town").mkdir()
    (tmp_path / "town" / "substation.yaml").write_text("name: town\n")
    get_settings.cache_clear()
    with patch.dict(os.environ, {"SWITCHYARD_SUBSTATIONS_DIR": str(tmp_path)}):
        try:
            with pytest.raises(RegistryError, match="town is the name of a described substation"):
                serving.publish(Job.of("tiny", str(home.root)))
        finally:
            get_settings.cache_clear()
