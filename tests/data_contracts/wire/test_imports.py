"""What serving imports must not pull a table engine in."""

import subprocess
import sys

HEAVY = ("pyarrow", "pandas", "great_expectations", "pydantic", "scipy", "sklearn")


def test_import__wire_and_answers__bring_no_table_engine():
    wanted = "data_contracts.wire, data_contracts.answers, data_contracts.facts, data_contracts.dataset"
    code = f"import sys, {wanted}; print([name for name in {HEAVY!r} if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
