"""Releases: one archive that serves by itself, with the serving group alone and without a network."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from importlib.metadata import packages_distributions
from pathlib import Path

import httpx
import pytest

from serving.errors import SnapshotError
from serving.release import DIGEST_SUFFIX, ReleaseError, check, release
from switchyard.children import free_port
from switchyard.digests import sha256_file
from switchyard.home import Home

ROOT = Path(__file__).parents[2]
EXAMPLES = [ROOT / "examples" / name for name in ("normal.json", "overload.json", "sag.json")]


def sealed(file):
    file.with_name(file.name + DIGEST_SUFFIX).write_text(f"{sha256_file(file)}  {file.name}\n")
    return file


@pytest.fixture
def archive(publisher, tmp_path):
    """An archive with a frozen home in it, in the form of an exported Bento."""
    name = publisher.publish()
    file = tmp_path / f"switchyard-{name}.bento"
    with tarfile.open(file, "w:gz") as tar:
        tar.add(publisher.home.serving, "./src/home/serving")
    return sealed(file)


def test_check__whole_release__names_its_snapshot(archive, publisher):
    done = check(archive)
    assert done.snapshot == publisher.home.current.read_text().strip()
    assert done.sha256 == sha256_file(archive)
    found = subprocess.run(
        ["sha256sum", "-c", f"{archive.name}.sha256"], cwd=archive.parent, capture_output=True, check=False
    )
    assert found.returncode == 0


def test_check__one_byte_changed__refused(archive):
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 1
    archive.write_bytes(data)
    with pytest.raises(ReleaseError, match="copy both again"):
        check(archive)


def test_check__digest_of_another_file_or_none__refused(archive):
    beside = archive.with_name(archive.name + DIGEST_SUFFIX)
    beside.write_text(f"{sha256_file(archive)}  other.bento\n")
    with pytest.raises(ReleaseError, match=r"other\.bento"):
        check(archive)
    beside.unlink()
    with pytest.raises(ReleaseError, match="beside each other"):
        check(archive)


def test_check__snapshot_damaged_before_it_was_packed__refused(publisher, tmp_path):
    name = publisher.publish()
    (publisher.home.snapshots / name / "models/voltage_anomaly/1/golden.json").write_text("{}")
    file = tmp_path / "switchyard.bento"
    with tarfile.open(file, "w:gz") as tar:
        tar.add(publisher.home.serving, "./src/home/serving")
    with pytest.raises(SnapshotError, match=r"golden\.json is damaged"):
        check(sealed(file))


@pytest.mark.parametrize("content", [b"", b"not an archive"])
def test_check__no_archive__refused(tmp_path, content):
    file = tmp_path / "switchyard.bento"
    file.write_bytes(content)
    with pytest.raises(ReleaseError):
        check(sealed(file))


def test_release__nothing_published__says_what_to_do(tmp_path):
    with pytest.raises(SnapshotError, match="switchyard publish"):
        release(Home(tmp_path))


def test_release__damaged_snapshot__refused_before_anything_is_built(publisher):
    name = publisher.publish()
    (publisher.home.snapshots / name / "models/voltage_anomaly/1/model.onnx").write_bytes(b"")
    with pytest.raises(SnapshotError, match="damaged"):
        release(publisher.home)
    assert not publisher.home.releases.exists()


def only_serving_group(folder):
    """A `sitecustomize` that hides every installed package but those of the serving group's lock file."""
    lock = (ROOT / "requirements/serving.txt").read_text()
    kept = {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"(?m)^([A-Za-z0-9._-]+)==", lock)}
    kept |= {"pip", "setuptools"}
    hidden = [
        module
        for module, owners in packages_distributions().items()
        if not any(re.sub(r"[-_.]+", "-", owner).lower() in kept for owner in owners)
    ]
    assert {"mlflow", "sklearn", "scipy", "tensorflow", "pandas", "prefect", "onnx"} <= set(hidden)
    assert not {"numpy", "onnxruntime", "bentoml", "msgspec"} & set(hidden)
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        f"HIDDEN = frozenset({sorted(hidden)!r}) - {{'switchyard', 'serving', 'features', 'substations', "
        "'data_contracts'}\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in HIDDEN:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Hide())\n"
    )
    return folder


PROBE = """
import json, sys
from pathlib import Path
import serving.frozen
from serving.frozen import SwitchyardService
from serving.engine import Engine
from serving.intake import infer
from switchyard.settings import get_settings
SwitchyardService.to_asgi()
home = get_settings().folders
engine = Engine.load(home, home.current.read_text().strip())
for example in sys.argv[1:]:
    infer(engine, Path(example).read_bytes(), "r")
rooms = {"switchyard", "serving", "features", "substations", "data_contracts"}
print(json.dumps({
    "home": str(home.root),
    "files": [m.__file__ for n, m in sys.modules.items() if n.partition(".")[0] in rooms and m.__file__],
    "top": sorted({name.partition(".")[0] for name in sys.modules}),
}))
"""


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_release__unpacked_elsewhere__serves_by_itself_with_the_serving_group_alone(publisher, tmp_path):
    publisher.publish(challenger="2")
    publisher.home.keys.parent.mkdir(exist_ok=True)
    (publisher.home.serving / "keys.json").write_text("a secret of this machine")
    done = release(publisher.home)
    file = Path(done.file)
    assert check(file) == done
    assert list((publisher.home.root / "tmp").iterdir()) == []

    station = tmp_path / "station"
    with tarfile.open(file) as tar:
        assert not [name for name in tar.getnames() if "keys" in Path(name).name and name.endswith(".json")]
    station.mkdir()
    subprocess.run(["tar", "-xf", str(file), "-C", str(station)], check=True)
    shutil.rmtree(publisher.home.root)
    code = station / "src"
    hidden = only_serving_group(tmp_path / "hidden")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("SWITCHYARD_")},
        "PYTHONPATH": f"{hidden}{os.pathsep}{code}",
        "BENTOML_HOME": str(tmp_path / "bentoml"),
    }

    words = [sys.executable, "-c", PROBE, *(str(code / "examples" / one.name) for one in EXAMPLES)]
    probed = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert probed.returncode == 0, probed.stderr
    told = json.loads(probed.stdout.splitlines()[-1])
    assert told["home"] == str(code / "home")
    assert told["files"]
    assert all(Path(one).is_relative_to(code) for one in told["files"])
    frameworks = {
        "tensorflow",
        "sklearn",
        "scipy",
        "xgboost",
        "prophet",
        "pandas",
        "mlflow",
        "pyarrow",
        "onnx",
    }
    assert frameworks.isdisjoint(told["top"])

    for start in (["-m", "serving.frozen", "--port"], ["-m", "bentoml", "serve", str(station), "--port"]):
        port = free_port()
        answered = serve_and_ask([*start, str(port)], f"http://127.0.0.1:{port}", tmp_path, environment)
        assert {one["snapshot"] for one in answered} == {done.snapshot}
        assert answered[0]["monitoring"]["phase_imbalance"]["model_version"] == "phase_imbalance:1"


def serve_and_ask(arguments, url, folder, environment):
    """Start a service, ask it the examples, stop it."""
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 600
        while not ready(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        answers = []
        for example in EXAMPLES:
            response = httpx.post(f"{url}/v1/infer", json=json.loads(example.read_text()), timeout=60)
            assert response.status_code == 200, response.text
            body = response.json()
            answers += body.get("items", [body])
        return answers
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def ready(url):
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False
