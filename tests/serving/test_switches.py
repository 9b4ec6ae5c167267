"""What `python -m benchmarks.switches` measures: modes in turn, twins beside champions, requests apart."""

import json

import pytest

from benchmarks.resilience.service import copied
from benchmarks.switches import turns
from benchmarks.switches.__main__ import main
from benchmarks.switches.challengers import MODES, TWIN, challenge, routing
from benchmarks.switches.joint import separate
from serving.engine import Engine
from serving.intake import infer
from serving.shadow.worker import Shadow
from serving.snapshot import current_name, open_snapshot

NAMES = ("phase_imbalance", "voltage_anomaly", "harmonic_analysis")


@pytest.fixture
def home(publisher, tmp_path):
    publisher.publish("1", challenger="2")
    home = copied(publisher.home.root, tmp_path / "copy")
    assert challenge(home) == len(NAMES)
    return home


def test_in_turn__two_rounds__the_second_goes_backwards_and_ratios_are_of_one_round():
    order = []

    def mode(name, values):
        figures = iter(values)

        def measure():
            order.append(name)
            return {"ms": next(figures)}

        return measure

    # The machine became four times as slow, which no ratio shows.
    found = turns.in_turn({"off": mode("off", [1.0, 4.0]), "on": mode("on", [1.5, 6.0])}, 2)
    assert order == ["off", "on", "on", "off"]
    assert turns.summed_up(found, "off") == {"off_ms": 2.5, "on_ms": 3.75, "on_ms_ratio": 1.5}


def test_cycle_ms__unequal_requests__whole_cycles_are_counted():
    assert turns.cycle_ms([0.001, 0.009, 0.003, 0.011, 0.001], 2) == pytest.approx(12.0)
    with pytest.raises(ValueError, match="1 of 2 requests"):
        turns.cycle_ms([0.001], 2)


def test_challenge__snapshot__every_champion_has_a_twin_of_the_same_bytes(home):
    manifest = open_snapshot(home, current_name(home)).manifest
    assert manifest.champions == dict.fromkeys(NAMES, "1")
    assert manifest.challengers == dict.fromkeys(NAMES, f"1{TWIN}")
    for name in NAMES:
        both = [one for one in manifest.models if one.registered == name]
        champion, twin = (sorted(one.sha256.values()) for one in both)
        assert champion == twin


@pytest.mark.parametrize("mode", sorted(MODES))
def test_routing__mode__who_answers_and_what_is_compared(home, item, mode):
    shadow = Shadow(home)
    try:
        engine = Engine.load(home, current_name(home)).routed(routing(home, mode), shadow)
        answers = json.loads(infer(engine, json.dumps(item()).encode(), "r"))["monitoring"]
        assert shadow.settle(20)
    finally:
        shadow.close()
    expected = {"canary": {f"1{TWIN}"}, "half": {"1", f"1{TWIN}"}}.get(mode, {"1"})
    assert {answers[name]["model_version"].partition(":")[2] for name in NAMES} <= expected
    assert any(home.logs.glob("shadow*.jsonl")) is (mode == "shadow")


def test_separate__item__one_request_a_model_that_keeps_the_rest(item):
    apart = [json.loads(body) for body in separate(json.dumps(item()).encode(), NAMES)]
    assert [one.pop("models") for one in apart] == [[name] for name in NAMES]
    assert apart == [item()] * len(NAMES)


@pytest.mark.slow
def test_main__all_parts__figures_with_a_ratio_to_the_reference(home, capsys):
    main(["--home", str(home.root), "--seconds", "1", "--rounds", "2"])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["challenged_models"] == len(NAMES)
    for mode in set(MODES) - {"off"}:
        for name in ("p50_ms", "open_p99_ms", "rps", "everything_mean_ms", "batch_items_per_s"):
            assert figures[f"{mode}_{name}_ratio"] > 0.0
    assert 0.0 <= figures["shadow_full_compared"] <= 1.0
    assert 0.0 < figures["shadow_open_compared"] <= 1.0
    assert figures["together_rps_32_ratio"] > 0.0
    assert figures["readings_one_item_ms_ratio"] < 1.0
