"""The catalogue: how many features, of which groups, and what each says about itself."""

import re
from collections import Counter
from dataclasses import replace

import pytest

from features import (
    ALL_INDEX,
    CATALOGUE,
    CONTEXT_NAMES,
    INDEX,
    NAMES,
    SEQUENCE_FEATURES,
    SEQUENCE_NAMES,
    catalogue_digest,
)
from features import catalogue as catalogue_module
from features import channels as ch

UNITS = {
    "pu": "_pu", "%": "_pct", "Hz": "_hz", "Hz/s": "_hz_s", "pu/s": "_pu_s", "pu²": "_pu2",
    "log10 pu": "_log", "log10": "_log", "log10 kV": "_log",
}  # fmt: skip

NEEDED_BY_THE_FIRST_MODELS = (
    "v_a_pu", "v_b_pu", "v_c_pu", "v_ab_pu", "v_bc_pu", "v_ca_pu", "v_mean_pu", "pvur_pct", "lvur_pct",
    "vuf_line_pct", "v_dev_a_pu", "v_dev_b_pu", "v_dev_c_pu", "v0_proxy_pct", "v_std_a_pu", "v_std_b_pu",
    "v_std_c_pu", "v_step_max_pu", "v_step_common_pu", "v_step_diff_pu", "v_min_dip_pu", "v_max_rise_pu",
    "v_range_pu", "v_stuck_log", "v_line_phase_residual_pu", "v_drift_pu", "thd_v_wave_pct", "h3_v_pct",
    "h5_v_pct", "h7_v_pct", "h11_v_pct", "h13_v_pct", "thd_i_wave_pct", "h3_i_pct", "h5_i_pct", "h7_i_pct",
    "h11_i_pct", "h13_i_pct", "thd_worst_pct", "v_nom_log",
)  # fmt: skip


def test_catalogue__groups__hold_what_the_models_count_on():
    groups = Counter(feature.group for feature in CATALOGUE)
    assert len(CATALOGUE) >= 80
    expected = {
        "voltage": 11,
        "current": 11,
        "frequency": 8,
        "power": 14,
        "balance": 4,
        "quality": 5,
        "rolling": 25,
        "distortion": 2,
        "level": 1,
        "harmonic": 31,
    }
    assert {group: groups[group] for group in expected} == expected
    assert groups["derived"] >= 20
    assert groups["calendar"] == 5


def test_names__all__are_unique_and_indexed():
    assert len(set(NAMES)) == len(NAMES) == len(CATALOGUE)
    assert [INDEX[name] for name in NAMES] == list(range(len(NAMES)))
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in NAMES)


def test_all_index__catalogue_sequences_and_context__is_unique_and_complete():
    assert list(ALL_INDEX) == [*NAMES, *SEQUENCE_NAMES, *CONTEXT_NAMES]
    assert list(ALL_INDEX.values()) == list(range(len(ALL_INDEX)))
    assert len(SEQUENCE_NAMES) == 10 * len(SEQUENCE_FEATURES) == 80
    assert {name.split(".")[0] for name in SEQUENCE_NAMES} == {feature.name for feature in SEQUENCE_FEATURES}
    assert not {feature.name for feature in SEQUENCE_FEATURES} & set(NAMES)


@pytest.mark.parametrize("name", NEEDED_BY_THE_FIRST_MODELS)
def test_names__first_models__are_there(name):
    assert name in INDEX


@pytest.mark.parametrize("feature", [*CATALOGUE, *SEQUENCE_FEATURES], ids=lambda feature: feature.name)
def test_feature__declaration__is_complete(feature):
    assert feature.formula
    assert feature.source
    assert feature.missing
    assert feature.needs or feature.minimum == 0
    assert set(feature.needs) <= {*ch.CHANNEL_ROWS, "quality", "t", "waveform"}
    if feature.unit != "1":
        assert feature.name.endswith(UNITS[feature.unit])


def test_digest__any_declaration_or_the_version_changed__is_another(monkeypatch):
    def fresh() -> str:
        return catalogue_digest.__wrapped__()

    before = fresh()
    assert re.fullmatch(r"[0-9a-f]{64}", before)
    assert before == catalogue_digest()
    changed = (replace(CATALOGUE[0], formula="something else"), *CATALOGUE[1:])
    step = (*SEQUENCE_FEATURES[:-1], replace(SEQUENCE_FEATURES[-1], formula="something else"))
    for name, value in (
        ("CATALOGUE", changed),
        ("CATALOGUE", CATALOGUE[::-1]),
        ("VERSION", 0),
        ("SEQUENCE_FEATURES", step),
        ("SEQUENCE_NAMES", SEQUENCE_NAMES[::-1]),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(catalogue_module, name, value)
            assert fresh() != before
