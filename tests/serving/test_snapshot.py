"""Snapshots: whole or absent, immutable, and proven by digest."""

import json
from pathlib import Path

import msgspec
import pytest

import features
from data_contracts.version import CONTRACT_VERSION
from serving.errors import SnapshotError
from serving.snapshot import (
    PublishedModel,
    current_name,
    open_snapshot,
    rollback,
    set_current,
    snapshot_names,
    write_snapshot,
)
from serving.snapshot.manifest import decode_manifest
from switchyard.home import Home


def test_write_snapshot__three_models__manifest_names_files_routes_and_digests(publisher):
    name = publisher.publish(current=False)
    snapshot = open_snapshot(publisher.home, name)
    manifest = snapshot.manifest
    assert name.startswith("000001-")
    assert manifest.catalogue_digest == features.catalogue_digest()
    assert manifest.contract_version == CONTRACT_VERSION
    names = ["harmonic_analysis", "phase_imbalance", "voltage_anomaly"]
    assert [entry.registered for entry in manifest.models] == names
    assert manifest.routes["delhi"] == {name: name for name in names}
    entry = manifest.models[1]
    assert {file.path for file in entry.files} == {
        f"models/phase_imbalance/1/{file}" for file in ("model.onnx", "spec.json", "golden.json")
    }
    assert entry.golden == "models/phase_imbalance/1/golden.json"
    snapshot.verify()
    assert current_name(publisher.home) is None


def test_write_snapshot__same_content_again__same_snapshot(publisher):
    first = publisher.publish()
    assert publisher.publish() == first
    assert snapshot_names(publisher.home) == [first]


def test_write_snapshot__other_content__next_number_and_old_one_untouched(publisher):
    first = publisher.publish("1")
    second = publisher.publish("2", low=-0.7)
    assert second.startswith("000002-")
    assert snapshot_names(publisher.home) == [first, second]
    open_snapshot(publisher.home, first).verify()


def test_write_snapshot__damaged_twin__a_whole_one_beside_it(publisher):
    first = publisher.publish()
    (publisher.home.snapshots / first / "models/phase_imbalance/1/model.onnx").write_bytes(b"")
    second = publisher.publish()
    assert second.startswith("000002-")
    assert second[7:] == first[7:]
    open_snapshot(publisher.home, second).verify()


def test_write_snapshot__leftover_of_a_killed_writer__cleared_and_never_listed(publisher):
    left = publisher.home.serving / ".staging-left"
    left.mkdir(parents=True)
    (left / "half").write_text("x")
    publisher.publish()
    assert not left.exists()


def test_write_snapshot__folder_without_golden__refused_naming_the_file(publisher):
    folder = publisher.compiler.phase_imbalance()
    (folder / "golden.json").unlink()
    with pytest.raises(SnapshotError, match=r"phase_imbalance version 1 lacks golden\.json"):
        write_snapshot(
            publisher.home,
            [PublishedModel("phase_imbalance", "1", folder)],
            {},
            catalogue_digest="0",
            contract_version=1,
        )
    assert snapshot_names(publisher.home) == []


def test_write_snapshot__route_to_nothing__refused_naming_the_route(publisher):
    with pytest.raises(SnapshotError, match=r"routes\.mumbai\.phase_imbalance = 'phase_imbalance\.mumbai'"):
        write_snapshot(
            publisher.home,
            [PublishedModel("phase_imbalance", "1", publisher.compiler.phase_imbalance())],
            {"mumbai": {"phase_imbalance": "phase_imbalance.mumbai"}},
            catalogue_digest="0",
            contract_version=1,
        )


def test_write_snapshot__name_that_leaves_the_folder__refused(publisher):
    folder = publisher.compiler.phase_imbalance()
    with pytest.raises(SnapshotError, match="leaves the snapshot's folder"):
        write_snapshot(
            publisher.home,
            [PublishedModel("../../../x", "1", folder)],
            {},
            catalogue_digest="0",
            contract_version=1,
        )


def test_read__changed_file__refused_naming_it(publisher):
    name = publisher.publish()
    path = publisher.home.snapshots / name / "models/voltage_anomaly/1/spec.json"
    path.write_text(path.read_text().replace("3.5", "9.5"))
    with pytest.raises(SnapshotError, match=r"voltage_anomaly/1/spec\.json is damaged"):
        open_snapshot(publisher.home, name).verify()


def test_read__missing_file__refused_naming_it(publisher):
    name = publisher.publish()
    (publisher.home.snapshots / name / "models/voltage_anomaly/1/model.onnx").unlink()
    with pytest.raises(SnapshotError, match=r"model\.onnx is missing"):
        set_current(publisher.home, name)


def test_open_snapshot__changed_manifest__refused(publisher):
    name = publisher.publish()
    path = publisher.home.snapshots / name / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["routes"]["delhi"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(SnapshotError, match=r"manifest\.json is damaged"):
        open_snapshot(publisher.home, name)


@pytest.mark.parametrize("name", ["000009-0123456789ab", "../../etc", "latest"])
def test_set_current__no_such_snapshot__refused_and_current_kept(publisher, name):
    first = publisher.publish()
    with pytest.raises(SnapshotError):
        set_current(publisher.home, name)
    assert current_name(publisher.home) == first


def test_rollback__unnamed__the_one_before_the_current(publisher):
    first, second = publisher.publish("1"), publisher.publish("2")
    assert rollback(publisher.home) == first
    assert current_name(publisher.home) == first
    with pytest.raises(SnapshotError, match="oldest"):
        rollback(publisher.home)
    assert rollback(publisher.home, second) == second


def test_rollback__nothing_published__refused(tmp_path):
    with pytest.raises(SnapshotError, match="nothing to roll back"):
        rollback(Home(tmp_path))


def test_decode_manifest__the_frozen_form__read_as_it_was_written():
    """Later versions may add to this form; what was published with it must stay readable."""
    files = ("golden.json", "model.onnx", "spec.json")
    frozen = {
        "schema": 1,
        "seq": 7,
        "created": "2026-01-05T08:00:00Z",
        "catalogue_digest": "a" * 64,
        "contract_version": 1,
        "models": [
            {
                "registered": "phase_imbalance.mumbai",
                "version": "3",
                "alias": "champion",
                "files": [{"path": f"models/phase_imbalance.mumbai/3/{file}", "size": 10} for file in files],
                "sha256": {f"models/phase_imbalance.mumbai/3/{file}": "b" * 64 for file in files},
                "golden": "models/phase_imbalance.mumbai/3/golden.json",
            }
        ],
        "routes": {"mumbai": {"phase_imbalance": "phase_imbalance.mumbai"}},
    }
    manifest = decode_manifest(json.dumps(frozen).encode(), Path("manifest.json"))
    assert manifest.name == "000007-ff33e73180b3"
    assert manifest.models[0].model == "phase_imbalance"
    assert msgspec.to_builtins(manifest) == frozen | {"models": tuple_files(frozen["models"])}


def tuple_files(models):
    return tuple({**model, "files": tuple(model["files"])} for model in models)
