"""`reactive_power`: plans, the instruments' floor, and an answer of serving's decoder to a whole request."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

import features
import substations
from data_contracts.dataset import Dataset
from data_contracts.wire import decode_item, pack
from features import PointNominals
from features.online import windows_from_rows
from models.catalogue import definition
from models.runtime import CompiledModel
from models.splits import TEST, TRAIN, VALIDATION
from serving.answers import build_decoder
from substations.station import station_facts

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "reactive.json"


@pytest.fixture(scope="module")
def declared():
    return definition("reactive_power")


@pytest.fixture(scope="module")
def rows(declared, folders, profile):
    return declared.rows(Dataset.open(folders["mumbai"]), profile.simulation.start).rows


@pytest.fixture(scope="module")
def fitted(declared, rows):
    return declared.fit(rows.select(rows.split == TRAIN), declared.defaults, 3)


def test_rows__plan__is_the_one_nearest_to_the_best_size(rows):
    steps = rows.column("bank_steps")
    wanted = rows.truth["optimal_var"] / rows.column("bank_rated_var") * steps
    plan, present = rows.truth["plan"], rows.truth["present"]
    off = np.abs(np.clip(wanted, 0, steps) - plan)
    assert (off[plan != present] <= 0.5).all()
    assert (off <= 0.6 + 1e-9).all()
    assert set(np.unique(rows.truth["clear"] ^ rows.truth["near_boundary"])) == {True}


def test_opponents__instrument_floor__is_one_by_its_own_measure(declared, rows):
    train, validation, test = (rows.select(rows.split == part) for part in (TRAIN, VALIDATION, TEST))
    floor = declared.opponent("instrument_floor", train, validation, test)
    assert declared.metric("mae_over_floor").of(floor, test) == pytest.approx(1.0)
    formula = declared.opponent("target_power_factor", train, validation, test)
    assert declared.metric("mae_over_floor").of(formula, test) > 1.0


def test_answer__voltage_and_load_move__follows_them_better_than_the_formula(declared, fitted, rows):
    train, test = rows.select(rows.split == TRAIN), rows.select(rows.split == TEST)
    mae = declared.metric("mae_var")
    own = mae.of(declared.answer(fitted, test), test)
    assert own < mae.of(declared.opponent("target_power_factor", train, train, test), test)


def test_decoder__of_a_whole_request__names_the_bank_of_the_point(declared, fitted):
    described = substations.read("mumbai")
    point = described.point("DTX1.LV")
    nominals = PointNominals(
        v_nom_v=33e3 / np.sqrt(3.0), i_rated_a=1000.0, s_rated_va=50e6, f_nom_hz=50.0, utc_offset_s=19800.0,
        station=station_facts(described),
    )  # fmt: skip
    item = decode_item(EXAMPLE.read_bytes())
    assert item.point == point.id
    whole = (
        item,
        msgspec.structs.replace(
            item, context=msgspec.structs.replace(item.context, capacitor_steps={"C1": 0, "C2": 1})
        ),
    )
    windows = windows_from_rows(pack(whole), [nominals, replace(nominals)])
    groups = {
        features.context.GROUP_OF[name] for name in declared.features if name in features.context.GROUP_OF
    }
    matrix = np.full((2, len(features.ALL_INDEX)), np.nan)
    matrix[:, : len(features.NAMES)] = features.compute(windows)
    matrix[:, features.CONTEXT] = features.context_block(whole, windows, groups)
    inputs = matrix[:, [features.ALL_INDEX[name] for name in declared.features]]
    compiled = declared.compile(fitted)
    decode = build_decoder("reactive_power", compiled.decoder, declared.features, "reactive_power:1")
    first, second = decode(CompiledModel(compiled.onnx)(inputs), inputs)
    # The readings were taken with one step of C1 in service.
    assert 0.0 < first.recommended_compensation < 15e6
    assert 0.9 < first.expected_power_factor <= 1.0
    assert second.capacitor_switching_plan[0].bank == "C1"
    assert second.capacitor_switching_plan[0].target > second.capacitor_switching_plan[0].present == 0
