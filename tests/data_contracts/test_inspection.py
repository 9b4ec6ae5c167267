"""Rules against good, corrupt and anomalous data. Corrupt data is rejected; simulated anomalies are not."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data_contracts.errors import ContractError
from data_contracts.inspection import inspect
from data_contracts.tables import TABLES

VOLTAGES = [f"v_{phase}_v" for phase in "abc"]
CURRENTS = [f"i_{phase}_a" for phase in "abc"]
POWERS = [f"p_{phase}_w" for phase in "abc"] + [f"q_{phase}_var" for phase in "abc"]


def scale(columns, names, factor):
    for name in names:
        columns[name] = columns[name] * factor


def one_point(columns, point="DTX1.LV"):
    return columns["point"] == point


@pytest.mark.parametrize("kind", ["normal", "fault", "sag", "swell", "unbalance", "harmonic", "instrument"])
def test_readings__good_table__keeps_every_rule(readings, broken_rules, kind):
    assert broken_rules("readings", readings(kind=kind)) == {}


@pytest.mark.parametrize("name", [name for name in TABLES if name != "readings"])
def test_table__good__keeps_every_rule(small_tables, broken_rules, name):
    from_columns = small_tables[name]
    wanted = TABLES[name]
    data = as_arrow(wanted, from_columns)

    assert broken_rules(name, data) == {}


def as_arrow(table, columns):
    from data_contracts.arrow import schema

    return pa.table({field.name: pa.array(columns[field.name], field.type) for field in schema(table)})


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("voltage_unit", lambda c: scale(c, VOLTAGES, 1e-3)),
        ("voltage_unit", lambda c: scale(c, VOLTAGES, 1e3 / 1e6)),
        ("voltage_unit", lambda c: scale(c, ["v_b_v"], 1e-3)),
        ("voltage_unit", lambda c: scale(c, VOLTAGES, 1 / 19_052.6)),
        ("voltage_unit", lambda c: scale(c, VOLTAGES, 3**0.5)),
        ("voltage_unit", lambda c: scale(c, VOLTAGES, 2**0.5)),
        ("v_a_v.range", lambda c: scale(c, VOLTAGES, 1e3)),
        ("power_unit", lambda c: scale(c, POWERS, 1e-3)),
        ("power_unit", lambda c: scale(c, POWERS, 1e-6)),
        ("power_unit", lambda c: scale(c, CURRENTS, 1e-3)),
        ("power_unit", lambda c: scale(c, [*CURRENTS], 1 / 1000)),
        ("apparent_power", lambda c: scale(c, POWERS, 1.5)),
        ("apparent_power", lambda c: scale(c, POWERS[:3], 0.0)),
        ("apparent_power", lambda c: scale(c, ["i_c_a"], 0.6)),
        ("line_voltage", lambda c: scale(c, ["v_ab_v", "v_bc_v", "v_ca_v"], 3**-0.5)),
        ("line_voltage", lambda c: scale(c, ["v_ab_v", "v_bc_v", "v_ca_v"], 1e-3)),
        ("voltage_extremes", lambda c: scale(c, ["v_max_a_v"], 0.9)),
        ("voltage_extremes", lambda c: scale(c, ["v_min_a_v"], 1.1)),
    ],
)
def test_readings__wrong_unit_or_ratio__is_rejected_whole(readings, broken_rules, rule, spoil):
    data = readings(spoil)

    counts = broken_rules("readings", data)

    assert next(iter(counts)) == rule or rule in counts
    assert counts[rule] >= data.num_rows // 3


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("voltage_unit", lambda c: scale(c, VOLTAGES, 1e-3)),
        ("power_unit", lambda c: scale(c, POWERS, 1e-3)),
        ("apparent_power", lambda c: scale(c, POWERS[:3], 1e-3)),
        ("line_voltage", lambda c: scale(c, ["v_ab_v", "v_bc_v", "v_ca_v"], 1e-3)),
    ],
)
def test_readings__wrong_unit_in_instrument_episodes__is_no_anomaly(readings, broken_rules, rule, spoil):
    data = readings(spoil, kind="instrument")

    assert broken_rules("readings", data) == {rule: data.num_rows}


def test_readings__wrong_unit_in_one_episode__rejects_that_episode_only(readings, broken_rules):
    def spoil(columns):
        mine = (columns["scenario_id"] == columns["scenario_id"][0]) & one_point(columns, "F331")
        for name in VOLTAGES:
            columns[name] = np.where(mine, columns[name] / 1e3, columns[name])

    assert broken_rules("readings", readings(spoil, scenarios=3)) == {"voltage_unit": 10}


def set_at(columns, name, rows, value):
    columns[name] = columns[name].copy()
    columns[name][rows] = value


@pytest.mark.parametrize(
    ("expected", "spoil"),
    [
        ({"v_b_v.finite": 7}, lambda c: set_at(c, "v_b_v", slice(3, 10), np.nan)),
        ({"i_a_a.finite": 1}, lambda c: set_at(c, "i_a_a", 4, np.inf)),
        ({"p_c_w.finite": 2}, lambda c: set_at(c, "p_c_w", [1, 50], -np.inf)),
        ({"v_a_v.range": 1}, lambda c: set_at(c, "v_a_v", 2, -1.0)),
        ({"voltage_range": 1}, lambda c: set_at(c, "v_a_v", 12, 99_000.0)),
        ({"f_hz.range": 1}, lambda c: set_at(c, "f_hz", 2, 0.05)),
        ({"frequency_range": 1}, lambda c: set_at(c, "f_hz", 2, 62.0)),
        ({"quality.allowed": 1}, lambda c: set_at(c, "quality", 5, 3)),
        ({"t.range": 10}, lambda c: set_at(c, "t", slice(0, 10), np.arange(10))),
        ({"known_point": 10}, lambda c: set_at(c, "point", slice(0, 10), "DTX9")),
        ({"scenario_id_form": 1}, lambda c: set_at(c, "scenario_id", 0, "episode 1")),
        ({"scenario_id_form": 1}, lambda c: set_at(c, "scenario_id", 0, "delhi.test.1.normal.000000")),
        ({"power_bound": 1}, lambda c: set_at(c, "p_a_w", 3, 2e8)),
    ],
)
def test_readings__bad_values__are_rejected_row_by_row(readings, broken_rules, expected, spoil):
    assert broken_rules("readings", readings(spoil)) == expected


def test_readings__null_with_good_quality__is_rejected(readings, broken_rules):
    data = readings()
    v = data["v_a_v"].to_pylist()
    v[3] = None
    data = data.set_column(data.column_names.index("v_a_v"), "v_a_v", pa.array(v, pa.float64()))

    assert broken_rules("readings", data) == {"missing_is_invalid": 1}


def test_readings__missing_sample_as_null_and_invalid__is_kept(readings, broken_rules):
    data = readings()
    measured = [name for name in data.column_names if name not in ("scenario_id", "point", "t", "quality")]
    for name in measured:
        values = data[name].to_pylist()
        values[2:6] = [None] * 4
        data = data.set_column(data.column_names.index(name), name, pa.array(values, pa.float64()))
    quality = data["quality"].to_pylist()
    quality[2:6] = [2] * 4
    data = data.set_column(data.column_names.index("quality"), "quality", pa.array(quality, pa.int8()))

    assert broken_rules("readings", data) == {}


def test_readings__shuffled_time__rejects_every_row_behind_the_latest(readings, broken_rules):
    data = readings(scenarios=1)
    order = np.arange(data.num_rows)
    order[0:10] = [0, 4, 1, 2, 9, 3, 5, 6, 7, 8]

    assert broken_rules("readings", data.take(order)) == {"time_increasing": 7}


def test_readings__interleaved_points__need_no_contiguous_rows(readings, broken_rules):
    data = readings()

    assert broken_rules("readings", data.sort_by("t")) == {}


def test_readings__duplicate_rows__keep_the_first(readings, broken_rules):
    data = readings()

    assert broken_rules("readings", pa.concat_tables([data, data.slice(7, 2)])) == {"unique_key": 2}


def act(columns, rows, name, change):
    columns[name] = columns[name].copy()
    columns[name][rows] = change(columns[name][rows])


def dead(columns, rows, draw):
    act(columns, rows, "v_b_v", lambda v: np.abs(draw.normal(0, 1e-3 * 19_053, v.shape)))
    for name in ("v_min_b_v", "v_max_b_v"):
        act(columns, rows, name, lambda v: 0 * v)


def dead_current(columns, rows, draw):
    act(columns, rows, "i_a_a", lambda i: 0 * i)


def stuck(columns, rows, draw):
    act(columns, rows, "v_a_v", lambda v: np.full_like(v, v[0]))
    act(columns, rows, "i_a_a", lambda i: np.full_like(i, 1.2 * i[0]))


def drift(columns, rows, draw):
    act(columns, rows, "v_c_v", lambda v: v * np.linspace(1.0, 1.2, len(v)))
    act(columns, rows, "i_c_a", lambda i: i * np.linspace(1.0, 0.8, len(i)))


def spike(columns, rows, draw):
    act(columns, rows, "v_a_v", lambda v: v * np.where(np.arange(len(v)) == 4, 1.5, 1.0))


def swapped(columns, rows, draw):
    for first, second in (("v_a_v", "v_b_v"), ("i_a_a", "i_b_a")):
        one, two = columns[first].copy(), columns[second].copy()
        columns[first], columns[second] = np.where(rows, two, one), np.where(rows, 0.3 * one, two)


@pytest.mark.parametrize("anomaly", [dead, dead_current, stuck, drift, spike, swapped])
def test_readings__instrument_anomaly__is_not_rejected(readings, broken_rules, anomaly):
    draw = np.random.default_rng(3)

    data = readings(lambda c: anomaly(c, one_point(c), draw), kind="instrument", seconds=30)

    assert broken_rules("readings", data) == {}


def interrupted(columns, rows, phases, residual, current=0.0):
    """Phases of which a residual voltage is left, with the line voltages and powers that go with it."""
    third = np.exp(2j * np.pi / 3)
    left = [residual if phase in phases else 1.0 for phase in "abc"]
    v = [left[k] * columns[f"v_{phase}_v"] * third**-k for k, phase in enumerate("abc")]
    for k, (one, other) in enumerate(("ab", "bc", "ca")):
        act(columns, rows, f"v_{one}{other}_v", lambda _, k=k: np.abs(v[k] - v[(k + 1) % 3])[rows])
    for phase in phases:
        for name in (f"v_{phase}_v", f"v_min_{phase}_v", f"v_max_{phase}_v"):
            act(columns, rows, name, lambda x: residual * x)
        act(columns, rows, f"i_{phase}_a", lambda x: current * x)
        for name in (f"p_{phase}_w", f"q_{phase}_var"):
            act(columns, rows, name, lambda x: residual * current * x)


def without(data, names):
    """Columns of nulls."""
    for name in names:
        data = data.set_column(data.column_names.index(name), name, pa.nulls(data.num_rows, pa.float64()))
    return data


LINES = ["v_ab_v", "v_bc_v", "v_ca_v"]


@pytest.mark.parametrize("unknown", [[], LINES, LINES[:2]])
@pytest.mark.parametrize(("phases", "current"), [("b", 0.0), ("ca", 1e-3), ("b", 1.0)])
@pytest.mark.parametrize("residual", [0.0, 5e-5, 1e-3, 1.3e-3, 0.02])
def test_readings__open_conductor_or_instrument_without_a_phase__is_not_rejected(
    readings, broken_rules, residual, phases, current, unknown
):
    """Behind an open conductor no current flows; behind a blown fuse of the voltage transformer it does."""

    def spoil(columns):
        interrupted(columns, one_point(columns), phases, residual, current)

    data = readings(spoil, kind="unbalance", seconds=30)

    assert broken_rules("readings", without(data, unknown)) == {}


def test_truth__open_conductor__is_not_rejected(small_tables, broken_rules):
    columns = dict(small_tables["readings_truth"])
    rows = np.asarray(columns["point"]) == columns["point"][0]
    for name, share in (("v_b_v", 1e-3), ("v_ab_v", 3**-0.5), ("v_bc_v", 3**-0.5)):
        columns[name] = np.where(rows, share * np.asarray(columns[name]), columns[name])
    columns["vuf_pct"] = np.where(rows, 50.0, columns["vuf_pct"])

    assert "voltage_unit" not in broken_rules("readings_truth", as_arrow(TABLES["readings_truth"], columns))


@pytest.mark.parametrize("unknown", [[], LINES, LINES[:2]])
@pytest.mark.parametrize("factor", [1e-3, 1e-6, 1 / 19_052.6])
def test_readings__one_phase_in_a_wrong_unit__is_no_open_conductor(readings, broken_rules, factor, unknown):
    def spoil(columns):
        rows = one_point(columns)
        act(columns, rows, "v_b_v", lambda v: factor * v)

    data = without(readings(spoil, kind="unbalance", seconds=30), unknown)

    assert broken_rules("readings", data)["voltage_unit"] == 60


@pytest.mark.parametrize("factor", [1e-3, 1e-6])
def test_readings__all_voltages_in_a_wrong_unit__are_no_open_conductor(readings, broken_rules, factor):
    """Line voltages agree with phase voltages then; no phase is live."""
    data = readings(lambda c: scale(c, [*VOLTAGES, *LINES], factor), seconds=30)

    assert broken_rules("readings", data)["voltage_unit"] == data.num_rows


@pytest.mark.parametrize("residual", [0.0, 1e-3, 0.3, 0.8])
def test_readings__vt_fuse__is_not_rejected(readings, broken_rules, residual):
    draw = np.random.default_rng(1)

    def blow(columns):
        rows = one_point(columns)
        act(columns, rows, "v_a_v", lambda v: residual * v * draw.uniform(0.95, 1.05, v.shape))
        columns["v_min_a_v"] = np.where(rows, 0.9 * columns["v_a_v"], columns["v_min_a_v"])
        columns["v_max_a_v"] = np.where(rows, 1.1 * columns["v_a_v"], columns["v_max_a_v"])

    counts = broken_rules("readings", readings(blow, kind="unbalance", seconds=30))

    # A tight 0.1 % of nominal is what kilovolts look like, and the line voltages know of no missing phase.
    assert counts == ({"voltage_unit": 60} if residual == 1e-3 else {})


def test_readings__second_of_a_short_circuit__is_not_rejected(readings, broken_rules):
    def strike(columns):
        rows = np.flatnonzero(one_point(columns))[4:5]
        act(columns, rows, "v_a_v", lambda v: 0.92 * v)
        act(columns, rows, "v_min_a_v", lambda v: 0.05 * v)
        act(columns, rows, "i_a_a", lambda i: 8 * i)
        act(columns, rows, "p_a_w", lambda p: 0.9 * p)
        gone = np.flatnonzero(one_point(columns))[5:10]
        for name in (*VOLTAGES, *CURRENTS, *POWERS, *(f"v_{e}_{p}_v" for e in ("min", "max") for p in "abc")):
            act(columns, gone, name, lambda x: 0 * x)
        for pair in ("ab", "bc", "ca"):
            act(columns, gone, f"v_{pair}_v", lambda x: 0 * x)

    assert broken_rules("readings", readings(strike, kind="fault")) == {}


def spoiled(columns, name, row, value):
    copied = {key: np.asarray(values, dtype=object).tolist() for key, values in columns.items()}
    copied[name][row] = value
    return copied


@pytest.mark.parametrize(
    ("table", "name", "row", "value", "rule"),
    [
        ("faults", "fault_level_ka", 0, 35.0, "fault_level_within_rating"),
        ("faults", "breaker_rating_ka", 1, 40.0, "breaker_rating"),
        ("faults", "bus", 0, "lv9", "known_bus"),
        ("faults", "i_fault_a", 0, 9.0, "fault_current"),
        ("faults", "i_fault_b", 1, 21_000.0, "fault_current"),
        ("faults", "phases", 3, "ab", "fault_phases"),
        ("faults", "dips", 2, '{"DTX1.LV": [0.1, 0.9]}', "dips"),
        ("faults", "dips", 2, '{"DTX9.LV": [0.1, 0.9, 1.0]}', "dips"),
        ("faults", "dips", 2, "none", "dips"),
        ("faults", "fault_type", 2, "LLLG", "fault_type.allowed"),
        ("faults", "scenario_id", 1, "mumbai.test.1.fault.000000", "unique_key"),
        ("load", "hour_local", 5, 12.5, "calendar"),
        ("load", "day_of_week", 5, 5, "calendar"),
        ("load", "ghi_w_m2", 5, -3.0, "ghi_w_m2.range"),
        ("load", "substation", 5, "delhi", "this_substation"),
        ("scenarios", "kind", 0, "fault", "kind_agrees"),
        ("scenarios", "reason", 0, "slow", "reason_given"),
        ("scenarios", "reason", 1, "", "reason_given"),
        ("scenarios", "circuit_digest", 1, "abc", "circuit_digest_form"),
        ("scenarios", "parameters", 1, "[1]", "parameters_json"),
        ("scenarios", "severity", 1, float("nan"), "severity.finite"),
        ("boundary", "load_mw", 3, 7000.0, "part_of_system"),
        ("boundary", "v_pu", 3, 402.0, "v_pu.range"),
        ("readings_truth", "residual_p_pu", 3, 2e-6, "residual_p_pu.range"),
        ("readings_truth", "event", 3, "sagg", "event.allowed"),
        ("readings_truth", "active", 3, True, "event_agrees"),
        ("readings_truth", "vuf_pct", 3, 121.0, "vuf_pct.range"),
    ],
)
def test_table__one_bad_value__rejects_that_row(small_tables, broken_rules, table, name, row, value, rule):
    data = as_arrow(TABLES[table], spoiled(small_tables[table], name, row, value))

    assert broken_rules(table, data) == {rule: 1}


def test_load__off_the_quarter_hour__is_rejected(small_tables, broken_rules):
    columns = small_tables["load"]
    t = columns["t"] + 60_000
    local = t + 19_800_000
    data = as_arrow(TABLES["load"], {**columns, "t": t, "hour_local": (local % 86_400_000) / 3_600_000})

    assert broken_rules("load", data) == {"time_grid": 96}


@pytest.mark.parametrize("factor", [1e-3, 1e-6, 1e3])
def test_load__wrong_unit__is_rejected_whole(small_tables, broken_rules, factor):
    columns = small_tables["load"]
    data = as_arrow(TABLES["load"], {**columns, "p_w": columns["p_w"] * factor})

    assert broken_rules("load", data) == {"load_unit": 96}


def test_truth__vuf_as_a_share_instead_of_percent__is_rejected(small_tables, broken_rules):
    columns = small_tables["readings_truth"]
    stated = np.full(len(columns["t"]), 4.0)

    counts = broken_rules(
        "readings_truth", as_arrow(TABLES["readings_truth"], {**columns, "vuf_pct": stated})
    )

    assert counts["vuf_agrees"] == len(stated)


def test_vuf_rule__closed_form__agrees_with_symmetrical_components(small_tables, broken_rules, facts):
    draw = np.random.default_rng(8)
    columns = dict(small_tables["readings_truth"])
    rows = len(columns["t"])
    nominal = np.array([facts.points[name].nominal_v for name in columns["point"]])
    v = nominal[:, None] * (1 + 0.15 * draw.standard_normal((rows, 3)))
    v = v * np.exp(1j * (np.array([0, -2, 2]) * np.pi / 3 + 0.1 * draw.standard_normal((rows, 3))))
    a = np.exp(2j * np.pi / 3)
    v1, v2 = v @ np.array([1, a, a**2]) / 3, v @ np.array([1, a**2, a]) / 3
    columns["vuf_pct"] = 100 * np.abs(v2) / np.abs(v1)
    for k, (first, second) in enumerate((("a", "b"), ("b", "c"), ("c", "a"))):
        columns[f"v_{first}{second}_v"] = np.abs(v[:, k] - v[:, (k + 1) % 3])
    for k, phase in enumerate("abc"):
        columns[f"v_{phase}_v"] = np.abs(v[:, k])

    assert broken_rules("readings_truth", as_arrow(TABLES["readings_truth"], columns)) == {}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda data: data.drop_columns(["v_b_v"]), "column v_b_v is missing"),
        (
            lambda data: data.set_column(3, "v_a_v", data["v_a_v"].cast(pa.string())),
            "column v_a_v has type string, not double",
        ),
        (
            lambda data: data.set_column(2, "t", data["t"].cast(pa.int64())),
            "column t has type int64, not timestamp[ms, tz=UTC]",
        ),
        (lambda data: data.append_column("v_d_v", data["v_a_v"]), "column v_d_v is not in the contract"),
    ],
)
def test_file__wrong_columns__is_rejected_whole(readings, tmp_path, facts, change, fault):
    data = change(readings())
    path = tmp_path / "normal-00000.parquet"
    pq.write_table(data, path)

    inspection = inspect(TABLES["readings"], path, facts)

    assert inspection.counts() == {"structure": data.num_rows}
    assert inspection.details.unique().to_pylist() == [fault]


def test_file__not_parquet__is_an_error_that_names_it(tmp_path, facts):
    path = tmp_path / "normal-00000.parquet"
    path.write_text(json.dumps({}))

    with pytest.raises(ContractError, match=r"table readings, file normal-00000.parquet: it cannot be read"):
        inspect(TABLES["readings"], path, facts)


def test_file__without_rows__keeps_the_contract(readings, broken_rules):
    assert broken_rules("readings", readings().slice(0, 0)) == {}


def test_details__name_values_with_units(readings, tmp_path, facts):
    path = tmp_path / "normal-00000.parquet"
    pq.write_table(readings(lambda c: set_at(c, "f_hz", 2, 62.0)), path)

    assert inspect(TABLES["readings"], path, facts).details.to_pylist() == ["f_hz = 62 Hz"]
