"""A version's life in a real service: in flight, in batches, in a canary, in the shadow, and back."""

import json
import threading
from http.client import HTTPResponse

import httpx

from serving.challengers import slot
from serving.routing import Challenge, Routing, write_routing
from serving.shadow import record
from serving.snapshot import rollback

NAME = "voltage_anomaly"
MODELS = ("phase_imbalance", "voltage_anomaly", "harmonic_analysis")


def version(answer):
    return answer["monitoring"][NAME]["model_version"]


def state(server):
    models = httpx.get(f"{server.url}/v1/models", timeout=20).json()["models"]
    (published,) = (one["published"] for one in models if one["name"] == NAME)
    return {one["role"]: one for one in published}


def test_service__published_challenged_and_rolled_back_under_load__every_answer_is_of_one_version(
    own_server, item
):
    server = own_server()
    publisher, home = server.publisher, server.home
    first = home.current.read_text().strip()
    assert set(state(server)) == {"champion"}
    seen, problems, stop = [], [], threading.Event()

    def keep_asking():
        batch = {"items": [item(readings=1), item()] * 30}
        with server.client() as client:
            while not stop.is_set():
                response = client.post("/v1/infer", json=batch)
                (seen if response.status_code == 200 else problems).append(response.json())

    asking = threading.Thread(target=keep_asking)
    asking.start()
    try:
        body = json.dumps(item()).encode()
        with server.connect() as in_flight:
            in_flight.sendall(server.head(len(body)) + body[:100])
            server.wait(lambda: len(seen) > 2)
            second = publisher.publish("2", low=-0.7, challenger="3")
            server.wait(lambda: seen[-1]["items"][0]["snapshot"] == second, what="the swap")
            in_flight.sendall(body[100:])
            answer = HTTPResponse(in_flight)
            answer.begin()
            finished = json.loads(answer.read())
        # It began on the first snapshot and is finished there.
        assert finished["snapshot"] == first
        assert version(finished) == f"{NAME}:1"

        write_routing(home, Routing(challenges={NAME: Challenge("3", 100.0)}))
        server.wait(lambda: version(seen[-1]["items"][1]) == f"{NAME}:3", what="the canary")
        challenger = state(server)["challenger"]
        assert (challenger["canary_percent"], challenger["model_version"]) == (100.0, f"{NAME}:3")
        assert "mumbai/DTX1.LV" in challenger["canary_points"]

        share = slot("mumbai", "DTX1.LV") / 100  # the first share that leaves this point out
        write_routing(home, Routing(challenges={NAME: Challenge("3", share, shadow=True)}))
        server.wait(lambda: version(seen[-1]["items"][1]) == f"{NAME}:2", what="the smaller canary")
        assert "mumbai/DTX1.LV" not in state(server)["challenger"]["canary_points"]
        assert state(server)["challenger"]["shadow"] is True

        assert rollback(home) == first
        server.wait(lambda: seen[-1]["items"][0]["snapshot"] == first, what="the rollback")
        assert set(state(server)) == {"champion"}
    finally:
        stop.set()
        asking.join()
    assert problems == []
    for batch in seen:
        assert len({one["snapshot"] for one in batch["items"]}) == 1
        for model in MODELS:
            assert len({one["monitoring"][model]["model_version"] for one in batch["items"]}) == 1
    assert {version(one) for batch in seen for one in batch["items"]} == {f"{NAME}:{k}" for k in (1, 2, 3)}
    server.wait(lambda: bool(list(record.read(home))), what="a comparison")
    pairs = list(record.read(home))
    assert {(pair.served, pair.shadow) for pair in pairs} == {(f"{NAME}:2", f"{NAME}:3")}
    agreed = 'switchyard_shadow_items_total{outcome="agreed"}'
    server.wait(lambda: server.metric(agreed) == len(list(record.read(home))), what="an empty queue")
    # Batches came faster than there was time for the shadow.
    assert server.metric('switchyard_shadow_items_total{outcome="dropped"}') > 0
