"""The recipes for gateways, executed against a service with keys."""

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from serving.problems import TITLES
from switchyard.commands.service import serve

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/gateways.md"
RECIPES = ROOT / "examples/gateways"


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


CURL = blocks("sh")


def environment(keyed):
    return {**os.environ, "SWITCHYARD_API_KEY": keyed.mumbai, "PYTHONPATH": str(ROOT)}


def run(keyed, recipe, tmp_path):
    recipe = recipe.replace("http://127.0.0.1:3000", keyed.server.url).replace("/tmp/", f"{tmp_path}/")
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", recipe],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment(keyed),
        timeout=120,
    )


@pytest.mark.parametrize("recipe", CURL, ids=range(len(CURL)))
def test_curl__every_recipe_of_the_page__works(keyed, tmp_path, recipe):
    assert len(CURL) == 4
    recipe = recipe.replace("'X-Deadline-Ms: 500'", "'X-Deadline-Ms: 10000'")
    done = run(keyed, recipe, tmp_path)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout[done.stdout.index("{") :])
    if "problem.json" in recipe:
        assert done.stdout.startswith("422\n")
        assert document["errors"]
    elif "examples/batch.json" in recipe:
        assert all("problem" not in item for item in document["items"])
    elif "examples/normal.json" in recipe:
        assert document["request_id"] == "gateway-7:000042"
        assert document["monitoring"]["phase_imbalance"]["status"] == "ok"
    else:
        assert set(document["points"]) == {"mumbai"}


def test_telegraf__configuration__is_toml_and_its_probe_is_answered(keyed):
    (text,) = blocks("toml")
    configuration = tomllib.loads(text)
    (probe,) = configuration["inputs"]["http"]
    assert probe["headers"]["Authorization"] == "Bearer ${SWITCHYARD_API_KEY}"
    answer = keyed.ask(
        probe["method"],
        "/v1/infer",
        keyed.mumbai,
        content=probe["body"],
        headers={"content-type": "application/json"},
    )
    assert answer.json()["monitoring"]["phase_imbalance"]["status"] == "ok", answer.text
    assert probe["json_v2"][0]["field"][0]["path"] in answer.json()
    (bridge,) = configuration["outputs"]["execd"]
    assert (RECIPES / Path(bridge["command"][1]).name).exists()
    assert bridge["data_format"] == "json"


def telegraf_metric(one, second):
    phases = {f"{name}_{phase}": one[name][k] for name in "vipq" for k, phase in enumerate("abc")}
    fields = phases | {"f": one["f"]}
    tags = {"substation": "mumbai", "point": "DTX1.LV", "host": "gw"}
    return {"name": "switchyard", "tags": tags, "fields": fields, "timestamp": 1767600000 + second}


def test_telegraf__bridge_fed_with_a_dozen_seconds__three_answers(keyed, item, tmp_path):
    metrics = [telegraf_metric(one, second) for second, one in enumerate(item(12)["readings"])]
    metrics[10]["fields"].pop("v_b")
    script = (RECIPES / "telegraf_gateway.py").read_text().replace("deadline_s=0.8", "deadline_s=10.0")
    (tmp_path / "bridge.py").write_text(script)
    done = subprocess.run(
        [sys.executable, tmp_path / "bridge.py", keyed.server.url, tmp_path / "answers.jsonl"],
        input="".join(json.dumps(metric) + "\n" for metric in metrics),
        capture_output=True,
        text=True,
        check=False,
        env=environment(keyed),
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    answers = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text().splitlines()]
    assert [answer["input_quality"]["invalid"] for answer in answers] == [0, 1, 1]
    assert answers[0]["monitoring"]["phase_imbalance"]["status"] in {"ok", "abstained"}


def test_node_red__flow__is_whole_and_holds_no_key():
    text = (RECIPES / "node_red.json").read_text()
    nodes = {node["id"]: node for node in json.loads(text)}
    for node in nodes.values():
        assert all(target in nodes for way in node.get("wires", []) for target in way)
    assert nodes["sy-after"]["outputs"] == len(nodes["sy-after"]["wires"]) == 2
    assert "sy_" not in text


NODE_RED = """
const flow = {get: () => undefined, set: (name, value) => { flow[name] = value; }};
const kept = {}; const context = {get: (name) => kept[name], set: (name, value) => { kept[name] = value; }};
const env = {get: (name) => process.env[name]};
const nodes = JSON.parse(require("fs").readFileSync(process.argv[1]));
const body = (id) => new Function("msg", "context", "flow", "env", nodes.find((n) => n.id === id).func);
const readings = JSON.parse(require("fs").readFileSync(0));
let last = null;
for (const one of readings) {
    last = body("sy-build")({payload: {substation: "mumbai", point: "DTX1.LV", ...one}}, context, flow, env);
}
const busy = {statusCode: 429, headers: {"retry-after": "3"}, payload: '{"detail": "busy"}'};
const outcome = body("sy-after")(busy, context, flow, env);
console.log(JSON.stringify({last, outcome, held_ms: flow.not_before - Date.now()}));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js runs the functions of the flow")
def test_node_red__functions_fed_with_ten_seconds__their_request_is_answered(keyed, item):
    done = subprocess.run(
        ["node", "-e", NODE_RED, RECIPES / "node_red.json"],
        input=json.dumps(item()["readings"]),
        capture_output=True,
        text=True,
        check=True,
        env={**environment(keyed), "SWITCHYARD_URL": keyed.server.url},
        timeout=120,
    )
    told = json.loads(done.stdout)
    headers = told["last"]["headers"] | {"X-Deadline-Ms": "10000"}
    answer = keyed.ask("POST", "/v1/infer", content=told["last"]["payload"], headers=headers)
    assert answer.json()["monitoring"]["phase_imbalance"]["status"] in {"ok", "abstained"}, answer.text
    assert told["last"]["url"] == f"{keyed.server.url}/v1/infer"
    assert told["outcome"][0] is None
    assert told["outcome"][1]["payload"]["status"] == 429
    assert 2500 < told["held_ms"] < 4100


def test_systemd__unit__starts_what_the_command_line_knows():
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.optionxform = str
    (text,) = blocks("ini")
    unit.read_string(text)
    command = unit["Service"]["ExecStart"].split()
    assert command[1] == "serve"
    known = {option for parameter in serve.params for option in parameter.opts}
    assert {word for word in command if word.startswith("--")} <= known
    assert float(unit["Service"]["TimeoutStopSec"]) > 25


def test_page__what_to_do__names_every_kind_of_problem():
    page = PAGE.read_text()
    table = page[page.index("## What to do at each error") : page.index("## Back-pressure")]
    assert set(re.findall(r"`([a-z-]+)`", table)) >= set(TITLES)


def test_page__python__compiles():
    for text in blocks("python"):
        compile(text, str(PAGE), "exec")
