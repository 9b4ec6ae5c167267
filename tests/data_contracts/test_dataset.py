"""Datasets on disk and their manifests."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.dataset import Dataset, kind_of
from data_contracts.errors import ContractError
from data_contracts.version import CONTRACT_VERSION
from switchyard.digests import sha256_file
from switchyard.files import read_json, write_json_atomic


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(data, path)
    return path


@pytest.fixture
def folder(tmp_path, readings):
    folder = tmp_path / "test.mumbai"
    put(folder / "readings" / "normal-00001.parquet", readings(first=2))
    put(folder / "readings" / "normal-00000.parquet", readings())
    put(folder / "readings" / "fault-00000.parquet", readings(kind="fault", scenarios=1))
    return folder


def write(folder):
    return Dataset.write_manifest(
        folder, substation="mumbai", profile="test", seed=7, circuit_digest="0" * 64
    )


def test_manifest__written__counts_rows_and_names_content(folder):
    dataset = write(folder)

    manifest = read_json(folder / "manifest.json")
    parts = manifest["tables"]["readings"]["parts"]
    assert [part["file"] for part in parts] == [
        "fault-00000.parquet",
        "normal-00000.parquet",
        "normal-00001.parquet",
    ]
    assert [part["rows"] for part in parts] == [30, 60, 60]
    assert parts[1]["sha256"] == sha256_file(folder / "readings" / "normal-00000.parquet")
    assert manifest["tables"]["readings"]["rows"] == 150
    assert manifest["contract_version"] == CONTRACT_VERSION
    assert (dataset.name, dataset.substation, dataset.tables) == ("test.mumbai", "mumbai", ("readings",))


def test_digest__same_content_elsewhere__is_the_same(folder, tmp_path):
    first = write(folder)
    moved = tmp_path / "elsewhere" / "test.mumbai"
    moved.parent.mkdir()
    folder.rename(moved)

    assert write(moved).digest == first.digest


def test_digest__one_changed_value__differs(folder, readings):
    first = write(folder)
    put(folder / "readings" / "normal-00001.parquet", readings(first=2, seed=6))

    assert write(folder).digest != first.digest


def test_digest__derived_table_beside__does_not_enter(folder):
    first = write(folder)
    put(folder / "features" / "normal-00000.parquet", pa.table({"v_mean": [1.0]}))

    dataset = write(folder)

    assert dataset.digest == first.digest
    assert dataset.read("features").to_pydict() == {"v_mean": [1.0]}


def test_read__all_parts__come_in_the_order_of_their_names(folder):
    write(folder)

    data = Dataset.open(folder).read("readings", columns=["scenario_id"])

    kinds = [name.split(".")[3] for name in data["scenario_id"].to_pylist()]
    assert data.column_names == ["scenario_id"]
    assert kinds == ["fault"] * 30 + ["normal"] * 120


def test_read__chosen_kinds__reads_only_their_parts(folder):
    write(folder)

    assert Dataset.open(folder).read("readings", kinds=["normal"]).num_rows == 120


def test_read__kind_that_is_not_there__is_an_error(folder):
    write(folder)

    with pytest.raises(ContractError, match="readings has no part of the kinds"):
        Dataset.open(folder).read("readings", kinds=["sag"])


def test_read__unknown_table__names_those_that_are_there(folder):
    write(folder)

    with pytest.raises(ContractError, match=r"has no table faults; it has readings"):
        Dataset.open(folder).read("faults")


def test_read__lost_part__says_so(folder):
    write(folder)
    (folder / "readings" / "normal-00001.parquet").unlink()

    with pytest.raises(ContractError, match="readings lost a part"):
        Dataset.open(folder).read("readings")


def test_read__file_that_the_manifest_does_not_name__is_left_out(folder, readings):
    write(folder)
    put(folder / "readings" / "normal-00002.parquet", readings(first=4))

    assert Dataset.open(folder).read("readings").num_rows == 150


def test_open__no_manifest__says_what_to_run(tmp_path):
    with pytest.raises(ContractError, match=r"manifest.json is missing — run `switchyard simulate` first"):
        Dataset.open(tmp_path)


def test_open__other_contract_version__is_refused(folder):
    write(folder)
    manifest = read_json(folder / "manifest.json")
    write_json_atomic(folder / "manifest.json", {**manifest, "contract_version": 0})

    with pytest.raises(ContractError, match=f"contract_version is 0, expected {CONTRACT_VERSION}"):
        Dataset.open(folder)


def test_open__manifest_of_another_shape__names_the_field(folder):
    write(folder)
    manifest = read_json(folder / "manifest.json")
    del manifest["digest"]
    write_json_atomic(folder / "manifest.json", manifest)

    with pytest.raises(ContractError, match="missing required field `digest`"):
        Dataset.open(folder)


def test_write_manifest__nothing_there__is_an_error(tmp_path):
    with pytest.raises(ContractError, match="holds no contracted table"):
        write(tmp_path)


@pytest.mark.parametrize(
    ("file", "kind"), [("normal-00000.parquet", "normal"), ("open-conductor-00012.parquet", "open-conductor")]
)
def test_kind_of__part_file__is_what_precedes_the_number(file, kind):
    assert kind_of(file) == kind
