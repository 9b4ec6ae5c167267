import json
import signal
import subprocess
import sys
import time

import pytest

from switchyard.errors import SwitchyardError
from switchyard.files import append_json_line, read_json, rename_into, write_bytes_atomic, write_json_atomic


def test_write_bytes_atomic__existing_file__replaced_and_no_temporary_left(tmp_path):
    path = tmp_path / "a" / "b.bin"
    write_bytes_atomic(path, b"one")
    write_bytes_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


def test_append_json_line__lines__are_added_whole_and_nan_is_refused(tmp_path):
    path = tmp_path / "reports" / "lines.jsonl"
    append_json_line(path, {"value": 1.5})
    append_json_line(path, {"value": None})
    with pytest.raises(SwitchyardError, match=r"lines\.jsonl.*null"):
        append_json_line(path, {"value": float("inf")})
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"value": 1.5}, {"value": None}]


def test_write_json_atomic__nan__refused_and_old_file_kept(tmp_path):
    path = tmp_path / "report.json"
    write_json_atomic(path, {"value": 1.5})
    with pytest.raises(SwitchyardError, match=r"report\.json.*null"):
        write_json_atomic(path, {"value": float("nan")})
    assert json.loads(path.read_text()) == {"value": 1.5}


def test_write_bytes_atomic__killed_while_writing__file_is_always_one_of_the_whole_versions(tmp_path):
    path = tmp_path / "big.bin"
    code = (
        "import sys, pathlib\n"
        "from switchyard.files import write_bytes_atomic\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "number = 0\n"
        "while True:\n"
        "    write_bytes_atomic(path, bytes([number % 256]) * 300_000)\n"
        "    number += 1\n"
    )
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", code, str(path)])
        deadline = time.monotonic() + 20
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
        child.wait()
        data = path.read_bytes()
        assert len(data) == 300_000
        assert len(set(data)) == 1


def test_rename_into__missing_folder__made(tmp_path):
    source = tmp_path / "source"
    source.write_text("x")
    rename_into(source, tmp_path / "deep" / "er" / "target")
    assert (tmp_path / "deep" / "er" / "target").read_text() == "x"
    assert not source.exists()


@pytest.mark.parametrize("content", [None, "{", "[1,"])
def test_read_json__missing_or_broken__error_names_the_file(tmp_path, content):
    path = tmp_path / "broken.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SwitchyardError, match=r"broken\.json"):
        read_json(path)


def test_write_bytes_atomic__new_file__readable_by_others(tmp_path):
    path = tmp_path / "file"
    write_bytes_atomic(path, b"")
    assert path.stat().st_mode & 0o777 == 0o644
