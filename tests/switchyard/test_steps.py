import subprocess
import sys

import pytest

from switchyard.errors import SwitchyardError
from switchyard.home import Home
from switchyard.steps import Work, run_step, step_key


class Counter:
    def __init__(self, home, text="made"):
        self.calls = 0
        self.home = home
        self.text = text

    def __call__(self, key):
        self.calls += 1
        path = self.home.reports / "out.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text)
        return Work(outputs=(path,), result={"calls": self.calls})


def run(home, work, parameters=None, inputs=None):
    return run_step(
        home, "demo", parameters=parameters or {"n": 1}, inputs=inputs or {}, rooms=["features"], work=work
    )


def test_run_step__second_time__skipped_with_the_same_record(tmp_path):
    home = Home(tmp_path)
    work = Counter(home)
    first, second = run(home, work), run(home, work)
    assert work.calls == 1
    assert not first.skipped
    assert second.skipped
    assert (second.key, second.digest, second.result) == (first.key, first.digest, {"calls": 1})


@pytest.mark.parametrize("change", [{"parameters": {"n": 2}}, {"inputs": {"table": "abc"}}])
def test_run_step__other_parameter_or_input__runs_again(tmp_path, change):
    home = Home(tmp_path)
    work = Counter(home)
    run(home, work)
    run(home, work, **change)
    assert work.calls == 2


def test_run_step__output_gone_or_resized__runs_again(tmp_path):
    home = Home(tmp_path)
    work = Counter(home)
    run(home, work)
    (home.reports / "out.txt").unlink()
    run(home, work)
    (home.reports / "out.txt").write_text("longer than before")
    run(home, work)
    assert work.calls == 3


def test_run_step__unreadable_record__runs_again(tmp_path):
    home = Home(tmp_path)
    work = Counter(home)
    record = run(home, work)
    (home.state / "demo" / f"{record.key}.json").write_text("{half")
    run(home, work)
    assert work.calls == 2


def test_run_step__work_fails__no_record_left(tmp_path):
    home = Home(tmp_path)

    def fail(key):
        raise SwitchyardError("no")

    with pytest.raises(SwitchyardError):
        run(home, fail)
    assert not list(home.root.rglob("*.json"))


def test_run_step__output_missing_or_outside__refused(tmp_path):
    home = Home(tmp_path / "home")
    outside = tmp_path / "outside.txt"
    outside.write_text("x")
    with pytest.raises(SwitchyardError, match=r"outside\.txt"):
        run(home, lambda key: Work(outputs=(outside,)))
    with pytest.raises(SwitchyardError, match=r"nothing\.txt"):
        run(home, lambda key: Work(outputs=(home.reports / "nothing.txt",)))


def test_step_key__another_process__same_key():
    arguments = "('demo', {'b': 1, 'a': [1.5]}, {'x': 'y'}, ['features', 'data_contracts'])"
    here = step_key("demo", {"a": [1.5], "b": 1}, {"x": "y"}, ["data_contracts", "features"])
    code = f"from switchyard.steps import step_key; print(step_key(*{arguments}))"
    there = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert here == there
