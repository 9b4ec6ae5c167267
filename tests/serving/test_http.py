"""The service over real HTTP, under both supervisors."""

import asyncio
import json
import re

import pytest

from switchyard.client import AsyncClient, Client, RefusedError

JSON = {"content-type": "application/json"}
PROBLEM = "application/problem+json"


@pytest.fixture
def client(server):
    with server.client() as client:
        yield client


def refused(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    document = response.json()
    assert document["status"] == status
    assert document["type"].startswith("urn:switchyard:problem:")
    assert document["title"]
    assert document["detail"]
    assert document["instance"].endswith(response.headers["x-request-id"])
    return document


def test_infer__good_request__answers_of_published_models(client, item):
    response = client.post("/v1/infer", json=item())
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body["monitoring"]["phase_imbalance"]["status"] == "ok"
    assert body["monitoring"]["voltage_anomaly"]["status"] == "ok"
    assert sum(len(body[module]) for module in ("monitoring", "maintenance", "energy", "decision")) == 16


def test_infer__own_request_id__echoed_in_header_and_body(client, item):
    response = client.post("/v1/infer", json=item(), headers={"X-Request-ID": "gw-7:42.a_b"})
    assert response.headers["x-request-id"] == "gw-7:42.a_b"
    assert response.json()["request_id"] == "gw-7:42.a_b"


@pytest.mark.parametrize("given", ["a b", "x" * 65, '"><script>', ""])
def test_infer__request_id_of_another_form__replaced(client, item, given):
    response = client.post("/v1/infer", json=item(), headers={"X-Request-ID": given})
    assert re.fullmatch(r"[0-9a-f]{16}", response.headers["x-request-id"])


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_infer__figure_that_json_does_not_know__400(client, item, word):
    text = json.dumps(item()).replace("50.01", word, 1)
    document = refused(client.post("/v1/infer", content=text, headers=JSON), 400)
    assert "NaN" in document["detail"]


def test_infer__figure_too_large_for_a_float__422_naming_it(client, item):
    text = json.dumps(item()).replace("50.01", "1e999", 1)
    document = refused(client.post("/v1/infer", content=text, headers=JSON), 422)
    assert document["errors"][0]["field"] == "readings[0].f"


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"substation": "mumbai",}', b"[" * 50_000])
def test_infer__not_json__400_or_422_but_never_5xx(client, body):
    response = client.post("/v1/infer", content=body, headers=JSON)
    refused(response, response.status_code)
    assert response.status_code in {400, 422}


def test_infer__300_kb_item__413_and_connection_closed(client, item):
    text = json.dumps(item()).encode() + b" " * 300_000
    response = client.post("/v1/infer", content=text, headers=JSON)
    refused(response, 413)
    assert response.headers["connection"] == "close"


def test_infer__300_kb_item_whose_models_come_first__413(client, item):
    text = json.dumps({"models": ["phase_imbalance"]} | item()).encode() + b" " * 300_000
    refused(client.post("/v1/infer", content=text, headers=JSON), 413)


def test_infer__20_mb_announced__413_before_any_of_it_is_sent(server):
    with server.connect() as raw:
        raw.sendall(server.head(20 << 20))
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


def test_infer__chunks_beyond_16_mb__413_while_sending(client):
    def chunks():
        yield b'{"items": ['
        for _ in range(400):
            yield b"1," * 32_768

    response = client.post("/v1/infer", content=chunks(), headers=JSON)
    refused(response, 413)


def test_infer__unknown_substation__422_with_a_suggestion(client, item):
    document = refused(client.post("/v1/infer", json=item(substation="mumbay")), 422)
    assert document["errors"] == [
        {
            "field": "substation",
            "rule": "unknown_substation",
            "message": document["errors"][0]["message"],
            "value": "mumbay",
        }
    ]
    assert "did you mean mumbai" in document["detail"]


def test_infer__two_phases__422_naming_the_field(client, item):
    body = item()
    body["readings"][4]["v"] = [19000.0, 19000.0]
    document = refused(client.post("/v1/infer", json=body), 422)
    assert document["errors"][0]["field"] == "readings[4].v"


def test_infer__unknown_field__422_naming_it(client, item):
    body = item()
    body["readings"][2]["frequency"] = 50.0
    document = refused(client.post("/v1/infer", json=body), 422)
    assert document["errors"][0]["field"] == "readings[2].frequency"
    assert document["errors"][0]["rule"] == "unknown_field"


def test_infer__kilovolts__422_says_so(client, item):
    body = item()
    for reading in body["readings"]:
        reading["v"] = [value / 1e3 for value in reading["v"]]
    assert "kilovolts" in refused(client.post("/v1/infer", json=body), 422)["detail"]


def test_infer__nine_readings__sequence_model_abstains(client, item):
    body = client.post("/v1/infer", json=item(9)).json()
    assert body["monitoring"]["voltage_anomaly"]["reason"] == "too_few_readings"
    assert "needs 10, got 9" in body["monitoring"]["voltage_anomaly"]["detail"]


def test_infer__batch_with_one_bad_item__only_that_one_fails(client, item):
    bodies = [item() for _ in range(40)]
    bodies[17]["readings"] = []
    found = client.post("/v1/infer", json={"items": bodies}).json()["items"]
    assert len(found) == 40
    assert [k for k, one in enumerate(found) if "problem" in one] == [17]
    assert found[17]["problem"]["errors"][0]["field"] == "readings"
    assert found[39]["monitoring"]["phase_imbalance"]["status"] == "ok"


def test_infer__batch_of_half_a_megabyte__answered(client, item):
    items = [item() for _ in range(200)]
    text = json.dumps({"items": items})
    assert len(text) > 512 * 1024
    response = client.post("/v1/infer", content=text, headers=JSON, timeout=30)
    assert response.status_code == 200
    assert len(response.json()["items"]) == 200


def test_infer__1001_items__422(client):
    document = refused(client.post("/v1/infer", json={"items": [{}] * 1001}), 422)
    assert document["errors"][0]["field"] == "items"


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", None])
def test_infer__another_content_type__415(client, item, media_type):
    headers = {"content-type": media_type} if media_type else {}
    response = client.post("/v1/infer", content=json.dumps(item()).encode(), headers=headers)
    refused(response, 415)


def test_infer__json_with_charset__taken(client, item):
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    response = client.post("/v1/infer", content=json.dumps(item()), headers=headers)
    assert response.status_code == 200


def test_infer__compressed_body__415(client, item):
    headers = JSON | {"content-encoding": "gzip"}
    refused(client.post("/v1/infer", content=b"\x1f\x8b", headers=headers), 415)


def test_infer__get__405_with_allow(client):
    response = client.get("/v1/infer")
    refused(response, 405)
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/v1/nothing", "/v2/infer", "/.env", "/v1/infer/"])
def test_unknown_path__404_problem(client, path):
    refused(client.get(path), 404)


def test_models__catalogue_of_sixteen_with_versions_and_points(client):
    body = client.get("/v1/models").json()
    assert len(body["models"]) == 16
    published = {model["name"]: model["published"] for model in body["models"] if model["published"]}
    assert set(published) == {"phase_imbalance", "voltage_anomaly", "harmonic_analysis"}
    (harmonic,) = published["harmonic_analysis"]
    assert harmonic["one_of"] == ["thd_v_wave_pct", "thd_worst_pct"]
    assert set(harmonic["one_of"]) < set(harmonic["optional"]) < set(harmonic["features"])
    assert published["voltage_anomaly"][0]["model_version"].startswith("voltage_anomaly:")
    assert published["voltage_anomaly"][0]["substations"] == ["delhi", "mumbai"]
    assert published["voltage_anomaly"][0]["minimum_readings"] == 10
    assert body["points"]["mumbai"]["DTX1.LV"] == "transformer_bay"
    fields = next(one["outputs"] for one in body["models"] if one["name"] == "phase_imbalance")
    assert [field["name"] for field in fields] == ["imbalance_class", "confidence", "critical_phase"]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz", "/"])
def test_bento_stack__keeps_health_and_docs(client, path):
    assert client.get(path).status_code == 200


def test_docs__openapi__holds_our_paths_and_the_contract(client):
    document = client.get("/docs.json").json()
    assert {"/v1/infer", "/v1/models"} <= set(document["paths"])
    assert "Reading" in document["components"]["schemas"]
    text = json.dumps(document)
    for reference in set(re.findall(r"#/components/schemas/([^\"]+)", text)):
        assert reference in document["components"]["schemas"]


def test_metrics__after_requests__known_labels_only(client, item):
    client.post("/v1/infer", json=item())
    client.get("/some/path/that/must/not/become/a/label")
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    text = response.text
    assert 'switchyard_request_seconds_bucket{le="5e-05",route="/v1/infer",status="200"}' in text
    labels = r'model="phase_imbalance",status="ok",version="phase_imbalance:\d+"'
    assert re.search(f"^switchyard_model_answers_total{{{labels}}}", text, re.MULTILINE)
    assert re.search(r'^switchyard_swaps_total{outcome="taken"} \d', text, re.MULTILINE)
    assert re.search(r"^switchyard_in_flight\S* 0\.0$", text, re.MULTILINE)
    assert re.search(r"^switchyard_snapshot_alarm\S* 0\.0$", text, re.MULTILINE)
    assert "must/not" not in text
    assert set(re.findall(r'route="([^"]*)"', text)) <= {
        "/v1/infer",
        "/v1/models",
        "/metrics",
        "/health",
        "/docs",
        "other",
    }


def test_client__item_and_batch__same_as_plain_http(server, item):
    with Client(server.url) as client:
        assert client.ready()
        answer = client.infer(item(), models=["phase_imbalance"])
        assert answer["monitoring"]["phase_imbalance"]["imbalance_class"] == "balanced"
        both = client.infer([item(), item(substation="nowhere")])
        assert both[0]["monitoring"]["voltage_anomaly"]["status"] == "ok"
        assert both[1]["problem"]["status"] == 422
        assert len(client.models()["models"]) == 16
        with pytest.raises(RefusedError) as caught:
            client.infer(item(point="DTX1.XX"))
    assert caught.value.status == 422
    assert caught.value.errors[0].field == "point"


def test_async_client__many_items_at_once__the_same_answers(server, item):
    async def ask():
        async with AsyncClient(server.url) as client:
            assert await client.ready()
            return await asyncio.gather(*(client.infer(item(), request_id=f"a-{k}") for k in range(8)))

    answers = asyncio.run(ask())
    assert [answer["request_id"] for answer in answers] == [f"a-{k}" for k in range(8)]
    assert all(answer["monitoring"]["phase_imbalance"]["status"] == "ok" for answer in answers)
