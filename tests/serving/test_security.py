"""A service with API keys, over real HTTP: who gets what, and what is written down of it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from serving.keys import KeyFile
from switchyard.client import Client, DeniedError

ROOT = Path(__file__).parents[2]
JSON = {"content-type": "application/json"}
PROBLEM = "application/problem+json"


def refused(response, status, kind):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    assert response.json()["type"] == f"urn:switchyard:problem:{kind}"
    return response.json()


def test_keys__none_wrong_or_too_narrow__401_403_and_health_stays_open(keyed, item):
    response = keyed.infer(item())
    refused(response, 401, "unauthorized")
    assert response.headers["www-authenticate"] == "Bearer"
    refused(keyed.infer(item(), keyed.mumbai[:-4] + "AAAA"), 401, "unauthorized")
    refused(keyed.ask("GET", "/metrics", keyed.mumbai), 403, "forbidden")
    refused(keyed.ask("GET", "/v1/models"), 401, "unauthorized")
    assert keyed.ask("GET", "/readyz").status_code == keyed.ask("GET", "/docs.json").status_code == 200
    assert keyed.ask("GET", "/metrics", keyed.everything).status_code == 200


def test_keys__another_substation__403_alone_and_403_in_its_place_in_a_batch(keyed, item):
    foreign = item(substation="delhi")
    document = refused(keyed.infer(foreign, keyed.mumbai), 403, "forbidden")
    assert "gateway-7 does not cover the substation 'delhi'" in document["detail"]
    found = keyed.infer({"items": [item(), foreign, item(substation="nowhere")]}, keyed.mumbai).json()[
        "items"
    ]
    assert found[0]["monitoring"]["phase_imbalance"]["status"] == "ok"
    assert [one["problem"]["status"] for one in found[1:]] == [403, 403]
    everything = keyed.infer({"items": [item(), item(substation="nowhere")]}, keyed.everything).json()[
        "items"
    ]
    assert everything[1]["problem"]["status"] == 422


def test_models__narrow_key__sees_its_substation_alone(keyed):
    narrow = keyed.ask("GET", "/v1/models", keyed.mumbai)
    assert set(narrow.json()["points"]) == set(narrow.json()["routes"]) == {"mumbai"}
    assert "delhi" not in narrow.text
    assert set(keyed.ask("GET", "/v1/models", keyed.everything).json()["points"]) == {"mumbai", "delhi"}


def test_keys__added_rotated_and_revoked_while_it_runs__taken_up_without_a_restart(keyed, item):
    keys = KeyFile(keyed.server.home)
    _, first = keys.add("late", ["mumbai"], ["infer"], days=1)
    keyed.server.wait(lambda: keyed.infer(item(), first).status_code == 200, what="the new key")
    _, second = keys.rotate("late", days=1, overlap_days=1)
    keyed.server.wait(lambda: keyed.infer(item(), second).status_code == 200, what="the second key")
    assert keyed.infer(item(), first).status_code == 200
    keys.revoke("late")
    keyed.server.wait(lambda: keyed.infer(item(), second).status_code == 401, what="the end of both")
    assert keyed.infer(item(), first).status_code == 401


def test_key_file__lost_or_damaged__503_for_everybody_until_it_is_back(keyed, item):
    path = keyed.server.home.keys
    content = path.read_bytes()
    try:
        for break_it in (path.unlink, lambda: path.write_bytes(content[:50])):
            break_it()
            keyed.server.wait(
                lambda: keyed.infer(item(), keyed.mumbai).status_code == 503, what="the refusal"
            )
            document = refused(keyed.infer(item()), 503, "closed")
            assert str(path) not in document["detail"]
    finally:
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
    keyed.server.wait(lambda: keyed.infer(item(), keyed.mumbai).status_code == 200, what="recovery")


def test_audit__answered_refused_and_batch__who_what_and_how_many(keyed, item):
    named = {"x-request-id": "audit-1"}
    answer = keyed.infer({"items": [item(), item(substation="delhi")]}, keyed.mumbai, headers=named).json()
    line = keyed.audit("audit-1")
    assert (line["who"], line["route"], line["status"]) == ("gateway-7", "/v1/infer", 200)
    assert (line["items"], line["refused"], line["substations"]) == (2, 1, ["delhi", "mumbai"])
    assert line["snapshot"] == answer["items"][0]["snapshot"]
    assert 0 < line["ms"] < 60_000
    keyed.infer(item(), headers={"x-request-id": "audit-2"})
    assert (keyed.audit("audit-2")["who"], keyed.audit("audit-2")["status"]) == ("-", 401)
    keyed.infer(item(substation="delhi"), keyed.mumbai, headers={"x-request-id": "audit-3"})
    assert (keyed.audit("audit-3")["status"], keyed.audit("audit-3")["substations"]) == (403, ["delhi"])


HOSTILE = [
    'a"b',
    "a\\nb",
    "../../../etc/passwd",
    "\x1b[31mred",
    "${jndi:x}",
    "a\r\nSet-Cookie: x=1",
    "मुंबई",
    "%n%s{}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names__anywhere__reach_no_header_label_file_or_log_line(keyed, item, text):
    before = sorted(str(path) for path in keyed.server.home.root.rglob("*"))
    bodies = [
        item(substation=text),
        item(point=text),
        item(models=[text]),
        item() | {text: 1},
        item(context={text: text}),
        {"items": [item(substation=text), item()]},
    ]
    for body in bodies:
        response = keyed.infer(body, keyed.everything, headers={"x-request-id": "h-1"})
        assert response.status_code in {200, 422}
        assert "set-cookie" not in response.headers
        json.loads(response.content)
    assert keyed.ask("GET", "/v1/" + quote(text, safe="")).status_code == 404
    figures = keyed.ask("GET", "/metrics", keyed.everything).text
    assert text not in figures
    assert sorted(str(path) for path in keyed.server.home.root.rglob("*")) == before
    for line in keyed.server.home.audit_log.read_bytes().split(b"\n"):
        assert not set(line) & set(range(32))


def test_request_id_and_header_values__hostile_bytes__replaced_or_refused_never_echoed(keyed, item):
    body = json.dumps(item()).encode()
    for value in (b"x\x01y", b"\xff\xfe", b"a b", b"x" * 65, b"{}", b"r\tq"):
        with keyed.server.connect() as raw:
            head = keyed.server.head(len(body)).replace(b"\r\n\r\n", b"\r\n")
            head += (
                b"Authorization: Bearer "
                + keyed.mumbai.encode()
                + b"\r\nX-Request-ID: "
                + value
                + b"\r\n\r\n"
            )
            raw.sendall(head + body)
            received = raw.recv(1 << 16)
        status = int(received.split(b" ", 2)[1])
        assert status in {200, 400}
        assert b"\r\nx-request-id: " + value not in received


def test_deadline__lowered_below_what_a_batch_takes__503_that_says_when_to_come_back(keyed, item):
    batch = {"items": [item() for _ in range(200)]}
    late = keyed.infer(batch, keyed.mumbai, headers={"x-deadline-ms": "1"})
    document = refused(late, late.status_code, "deadline" if late.status_code == 503 else "slow-body")
    assert late.status_code in {503, 408}
    if late.status_code == 503:
        assert "within 0.001 s" in document["detail"]
        assert int(late.headers["retry-after"]) >= 1
    assert keyed.infer(batch, keyed.mumbai, headers={"x-deadline-ms": "60000"}).status_code == 200
    refused(keyed.infer(item(), keyed.mumbai, headers={"x-deadline-ms": "soon"}), 400, "header")


def test_client__with_and_without_its_key__answers_and_denied(keyed, item):
    with Client(keyed.server.url, key=keyed.mumbai) as client:
        assert client.infer(item())["monitoring"]["phase_imbalance"]["status"] == "ok"
        with pytest.raises(DeniedError, match="does not cover"):
            client.infer(item(substation="delhi"))
    with Client(keyed.server.url) as client, pytest.raises(DeniedError) as caught:
        client.infer(item())
    assert caught.value.status == 401


def test_logs__after_all_that__hold_no_key_and_no_reading(keyed, item):
    body = item()
    body["readings"][0]["v"] = [19123.4567, 19123.4567, 19123.4567]
    assert keyed.infer(body, keyed.mumbai, headers={"x-request-id": "secret-1"}).status_code == 200
    keyed.infer(body | {"unknown": keyed.mumbai}, keyed.mumbai)
    keyed.ask("POST", "/v1/infer", keyed.mumbai, content=b'{"' + keyed.mumbai.encode(), headers=JSON)
    keyed.ask("GET", f"/v1/{keyed.mumbai}", keyed.mumbai)
    keyed.audit("secret-1")
    home = keyed.server.home
    written = [
        path for path in home.root.rglob("*") if path.is_file() and path.suffix in {".jsonl", ".log", ".json"}
    ]
    texts = [path.read_text(errors="replace") for path in written] + [
        keyed.server.log.read_text(errors="replace")
    ]
    assert len(texts) > 3
    for text in texts:
        for key in (keyed.mumbai, keyed.everything):
            assert key.split("_", 2)[2] not in text
        assert "19123.4567" not in text


def serve_outside(tmp_path, *arguments):
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "serving.run",
            "--home",
            str(tmp_path / "home"),
            "--host",
            "0.0.0.0",
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def test_serve__other_machines_without_keys__refuses_to_start_and_says_what_to_do(tmp_path):
    done = serve_outside(tmp_path, "--port", "0")
    assert done.returncode == 1
    assert "anybody could ask" in done.stderr
    for remedy in ("switchyard keys add", "--client-ca", "--insecure"):
        assert remedy in done.stderr
    assert "Traceback" not in done.stderr


def test_serve__keys_lost__refuses_to_start(tmp_path):
    from switchyard.home import Home

    home = Home(tmp_path / "home")
    KeyFile(home).add("a", ["*"], ["infer"], days=1)
    home.keys.unlink()
    done = serve_outside(tmp_path, "--insecure", "--port", "0")
    assert done.returncode == 1
    assert re.search(r"keys\.json is lost", done.stderr)
