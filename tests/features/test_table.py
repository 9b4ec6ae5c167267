"""The table of features on disk: whole or absent, null for NaN, refused under another catalogue."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features import INDEX, NAMES, FeatureError, compute
from features import channels as ch
from features import table as table_module
from features.build import Readings
from features.table import KEY, read_features, write_features

START_MS = 1_767_600_000_000


@pytest.fixture
def readings(rng):
    rows = 35
    columns = {
        "scenario_id": ["s1"] * 15 + ["s2"] * 20,
        "point": ["P"] * 15 + ["Q"] * 20,
        "t": pa.array([START_MS + 1000 * k for k in range(rows)], pa.timestamp("ms", tz="UTC")),
    }
    columns |= {name: pa.array(rng.uniform(100.0, 200.0, rows)) for name in ch.COLUMNS}
    return pa.table(columns | {"quality": pa.array(np.zeros(rows, np.int8))})


def test_write_and_read__features__are_the_computed_ones(tmp_path, readings, nominals):
    path = tmp_path / "features" / "normal-00000.parquet"
    everywhere = dict.fromkeys("PQ", nominals)
    assert write_features(path, readings, everywhere, stride_s=5) == 5

    found = read_features([path])
    columns = Readings.of(readings)
    expected = compute(columns.windows(columns.index(5), everywhere))
    np.testing.assert_array_equal(found.values, expected)
    assert list(found.scenario_id) == ["s1"] * 2 + ["s2"] * 3
    assert list(found.point) == ["P"] * 2 + ["Q"] * 3
    np.testing.assert_array_equal(found.t, START_MS / 1e3 + np.array([9, 14, 24, 29, 34]))
    assert found.names == NAMES
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_write__nan__is_null_and_the_columns_are_the_contract(tmp_path, readings, nominals):
    path = tmp_path / "normal-00000.parquet"
    write_features(path, readings.drop_columns(["pst"]), dict.fromkeys("PQ", nominals), stride_s=10)
    stored = pq.read_table(path)
    assert tuple(stored.column_names) == (*KEY, *NAMES)
    assert stored.schema.field("t").type == pa.timestamp("ms", tz="UTC")
    assert stored.column("pst").null_count == stored.num_rows
    assert stored.column("v_mean_pu").null_count == 0
    assert not any(np.isnan(stored.column(name).drop_null().to_numpy()).any() for name in NAMES)


def test_write__twice__gives_the_same_bytes(tmp_path, readings, nominals):
    paths = [tmp_path / name / "normal-00000.parquet" for name in "ab"]
    for path in paths:
        write_features(path, readings, dict.fromkeys("PQ", nominals), stride_s=1)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_write__failing_half_way__leaves_nothing(tmp_path, readings, nominals):
    path = tmp_path / "normal-00000.parquet"
    with pytest.raises(FeatureError, match="point Q has no nominals"):
        write_features(path, readings, {"P": nominals}, stride_s=1)
    assert list(tmp_path.iterdir()) == []


def test_read__some_features__in_the_order_asked(tmp_path, readings, nominals):
    path = tmp_path / "normal-00000.parquet"
    write_features(path, readings, dict.fromkeys("PQ", nominals), stride_s=5)
    whole, some = read_features([path]), read_features([path, path], ["pvur_pct", "v_a_pu"])
    assert some.names == ("pvur_pct", "v_a_pu")
    places = [INDEX["pvur_pct"], INDEX["v_a_pu"]]
    np.testing.assert_array_equal(some.values, np.concatenate([whole.values[:, places]] * 2))
    assert len(some) == 10


def test_read__what_is_not_there__is_refused(tmp_path, readings, nominals, monkeypatch):
    path = tmp_path / "normal-00000.parquet"
    write_features(path, readings, dict.fromkeys("PQ", nominals), stride_s=5)
    with pytest.raises(FeatureError, match="there is no feature v_zz"):
        read_features([path], ["v_zz"])
    with pytest.raises(FeatureError, match="no feature file"):
        read_features([])
    monkeypatch.setattr(table_module, "catalogue_digest", lambda: "0" * 64)
    with pytest.raises(FeatureError, match="was written under the feature catalogue"):
        read_features([path])
