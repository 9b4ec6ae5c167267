"""Requests answered together get what each gets alone; what is wrong with one stays its own."""

import asyncio
import json
from pathlib import Path

import pytest

import features
from data_contracts.version import CONTRACT_VERSION
from serving.engine import Engine
from serving.intake import infer, infer_together
from serving.problems import ProblemError
from serving.snapshot import PublishedModel, write_snapshot
from serving.together import Call, Together
from serving.visit import Visit

EXAMPLES = Path(__file__).parents[2] / "examples"
CHANGING = ("timestamp", "inference_time_ms", "request_id")


@pytest.fixture(scope="module")
def engine(tmp_path_factory, make_publisher):
    publisher = make_publisher(tmp_path_factory.mktemp("together"))
    publisher.publish()
    return Engine.load(publisher.home, publisher.home.current.read_text().strip())


def call(body, name="r"):
    return Call(body if isinstance(body, bytes) else json.dumps(body).encode(), Visit(name))


def plain(answer):
    """A response without what no two calls share."""
    found = json.loads(answer)
    for one in [found, *found.get("items", [])]:
        for name in CHANGING:
            one.pop(name, None)
    return found


@pytest.fixture
def requests(item):
    """Single items in different states, one narrowed to a model, and a batch with a bad item."""
    bad = item()
    bad["readings"][0]["v"] = [1.0]
    return [
        item(),
        item(scale=(1.0, 0.6, 1.0)),
        item(9),
        item() | {"models": ["phase_imbalance"]},
        {"items": [item(), bad, item(1)]},
        item(scale=(1.0, 1.0, 0.3)),
    ]


def test_infer_together__requests_of_all_sorts__each_gets_what_it_gets_alone(engine, requests):
    together = infer_together(engine, [call(body, f"r{k}") for k, body in enumerate(requests)])
    for k, (body, answer) in enumerate(zip(requests, together, strict=True)):
        alone = infer(engine, json.dumps(body).encode(), f"r{k}")
        assert plain(answer) == plain(alone)
        named = json.loads(answer)
        assert {one["request_id"] for one in named.get("items", [named])} == {f"r{k}"}


def test_infer_together__one_body_is_no_json_and_one_breaks_the_contract__only_they_fail(engine, item):
    wrong = item()
    wrong["substation"] = "atlantis"
    first, malformed, violating, last = infer_together(
        engine, [call(item()), call(b"{"), call(wrong), call(item())]
    )
    assert isinstance(malformed, ProblemError)
    assert malformed.status == 400
    assert isinstance(violating, ProblemError)
    assert violating.status == 422
    assert plain(first) == plain(last) == plain(infer(engine, call(item()).body, "r"))


def test_infer_together__joint_answer_breaks__each_is_answered_by_itself(engine, item, monkeypatch):
    real = Engine.answer

    def breaks_on_many(self, asked, rows, request_id):
        if len(asked) > 1:
            raise ArithmeticError
        return real(self, asked, rows, request_id)

    monkeypatch.setattr(Engine, "answer", breaks_on_many)
    for answer in infer_together(engine, [call(item()), call(item())]):
        assert json.loads(answer)["monitoring"]["phase_imbalance"]["status"] == "ok"


def test_together__calls_of_one_turn__are_computed_at_once_and_later_ones_do_not_wait():
    seen = []

    def compute(engine, calls):
        seen.append([one.body for one in calls])
        return [one.body for one in calls]

    async def ask():
        together = Together(compute)
        answers = await asyncio.gather(
            *(together.answer("engine", call(body)) for body in (b"a", b"b", b"c"))
        )
        return answers, await together.answer("engine", call(b"d"))

    answers, last = asyncio.run(ask())
    assert answers == [b"a", b"b", b"c"]
    assert last == b"d"
    assert seen == [[b"a", b"b", b"c"], [b"d"]]


def test_together__engines_swapped_between_calls__each_answers_its_own():
    async def ask():
        together = Together(lambda engine, calls: [engine + one.body for one in calls])
        return await asyncio.gather(together.answer(b"1", call(b"a")), together.answer(b"2", call(b"b")))

    assert asyncio.run(ask()) == [b"1a", b"2b"]


def test_together__client_goes_away__the_others_are_answered():
    async def ask():
        together = Together(lambda engine, calls: [one.body for one in calls])
        gone = asyncio.ensure_future(together.answer("engine", call(b"a")))
        stays = asyncio.ensure_future(together.answer("engine", call(b"b")))
        await asyncio.sleep(0)
        gone.cancel()
        return await stays, gone

    answer, gone = asyncio.run(ask())
    assert answer == b"b"
    assert gone.cancelled() or gone.done()


def test_together__one_fails__its_error_is_its_own():
    def compute(engine, calls):
        return [ProblemError("internal", 500, "x") if one.body == b"bad" else one.body for one in calls]

    async def ask():
        together = Together(compute)
        return await asyncio.gather(
            *(together.answer("engine", call(body)) for body in (b"bad", b"good")), return_exceptions=True
        )

    bad, good = asyncio.run(ask())
    assert isinstance(bad, ProblemError)
    assert good == b"good"


STABILITY = json.loads((EXAMPLES / "stability.json").read_text())


@pytest.fixture(scope="module")
def screening(tmp_path_factory, make_publisher, tree):
    """An engine whose detector reads what becomes of the grid after the worst failure."""
    publisher = make_publisher(tmp_path_factory.mktemp("screening"))
    inputs = ["severity_worst", "v_min_pu", "v_max_pu"]
    decoder = {"names": inputs, "centre": [0, 1.0, 1.0], "scale": [1.0, 0.01, 0.01]}
    folder = publisher.compiler.voltage_anomaly(
        onnx=tree(3, [(0, 1e6, 1, 2), [0.4], [-0.5]], "anomaly_score"),
        spec={
            "features": inputs,
            "decoder": decoder | {"threshold": 0.0, "z_limit": 3.5, "limit": 5},
            "optional": ["v_min_pu", "v_max_pu"],
            "requires": ["context.grid.branches"],
            "point_kinds": ["system"],
        },
        golden={
            "features": [[0.5, 1.0, 1.0]],
            "raw": [[0.4]],
            "answers": [{"anomaly_detected": False}],
            "tolerance": {},
        },
    )
    phase = publisher.compiler.phase_imbalance()
    models = {"voltage_anomaly": folder, "phase_imbalance": phase}
    name = write_snapshot(
        publisher.home,
        [PublishedModel(model, "1", where) for model, where in models.items()],
        {"mumbai": {model: model for model in models}},
        catalogue_digest=features.catalogue_digest(),
        contract_version=CONTRACT_VERSION,
    )
    return Engine.load(publisher.home, name)


def test_infer_together__contingency_analysis_is_asked_for__left_to_the_caller_and_nobody_waits(
    screening, item
):
    long, short = infer_together(screening, [call(STABILITY, "long"), call(item(), "short")])

    assert isinstance(short, bytes)
    assert callable(long)
    answer = json.loads(long())
    assert answer["request_id"] == "long"
    assert answer["monitoring"]["voltage_anomaly"]["status"] == "ok"
    assert plain(long()) == plain(infer(screening, call(STABILITY).body, "long"))


def test_infer_together__another_model_is_asked_or_the_telemetry_is_missing__answered_at_once(screening):
    without = {key: value for key, value in STABILITY.items() if key != "context"}
    outcomes = infer_together(screening, [call(STABILITY | {"models": ["phase_imbalance"]}), call(without)])

    assert all(isinstance(outcome, bytes) for outcome in outcomes)
    assert json.loads(outcomes[1])["monitoring"]["voltage_anomaly"]["reason"] == "missing_context"
