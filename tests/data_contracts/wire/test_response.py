"""Responses and problem documents as they go over the wire."""

from datetime import UTC, datetime

import msgspec

from data_contracts.answers.monitoring import PhaseImbalance, VoltageAnomaly
from data_contracts.wire import (
    BatchResponse,
    FieldError,
    InputQuality,
    LimitExceeded,
    Monitoring,
    Problem,
    Response,
)

AT = datetime(2026, 1, 5, 8, 0, 9, tzinfo=UTC)


def test_response__answered__round_trips_and_leaves_out_what_was_not_asked():
    response = Response(
        request_id="r1",
        timestamp=AT,
        snapshot="000003-0123456789ab",
        inference_time_ms=0.8,
        input_quality=InputQuality(validity="good", readings=10, questionable=0, invalid=0),
        limit_exceeded=[LimitExceeded(quantity="vuf", value=3.4, limit=3.0, unit="%", standard="CEA")],
        monitoring=Monitoring(
            phase_imbalance=PhaseImbalance(
                status="ok",
                model_version="phase_imbalance:2",
                imbalance_class="minor",
                confidence=0.9,
                critical_phase="A",
            ),
            voltage_anomaly=VoltageAnomaly(status="abstained", reason="not_published"),
        ),
    )

    text = msgspec.json.encode(response)

    assert msgspec.json.decode(text, type=Response) == response
    assert set(msgspec.json.decode(text)["monitoring"]) == {"phase_imbalance", "voltage_anomaly"}
    assert b"problem" not in text
    assert b"2026-01-05T08:00:09Z" in text


def test_batch_response__bad_item__carries_its_problem_in_its_place():
    problem = Problem(
        type="/problems/contract",
        title="The item breaks the contract",
        status=422,
        detail="readings[0].f: must lie within 40 to 60; got 0 Hz",
        errors=[
            FieldError(field="readings[0].f", rule="range", message="must lie within 40 to 60", value=0.0)
        ],
    )
    batch = BatchResponse(items=[Response(request_id="r1", timestamp=AT, problem=problem)])

    decoded = msgspec.json.decode(msgspec.json.encode(batch))

    assert decoded["items"][0].keys() == {"request_id", "timestamp", "problem"}
    assert decoded["items"][0]["problem"]["errors"][0] == {
        "field": "readings[0].f",
        "rule": "range",
        "message": "must lie within 40 to 60",
        "value": 0.0,
    }
