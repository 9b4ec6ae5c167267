"""A pandapower network from its JSON file, and its power flow."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from studies.errors import StudyError

TOLERANCE_MVA = 1e-8
"""Largest power that does not balance at a bus, pandapower's own default."""

OF_SOURCE = "of_source"
"""Column of `impedance`, true where it is the inside of a voltage source."""

# The decoder imports the module that the file names and makes an object of a class in it.
_KNOWN_MODULES = ("pandapower", "pandas", "numpy", "networkx", "builtins", "geopandas", "shapely")
_MODULE = re.compile(r'_module\\*"\s*:\s*\\*"([^"\\]*)')


def read_network(file: Path) -> Any:
    """Read a network that pandapower's `to_json` has written.

    Raises:
        StudyError: It is not such a file, or asks for a class of another library.
    """
    if not file.is_file():
        raise StudyError(f"{file} does not exist", "name a network that pandapower.to_json has written")
    text = file.read_text(encoding="utf-8", errors="replace")
    try:
        document = json.loads(text)
    except ValueError as error:
        raise StudyError(f"{file}: it is not JSON: {error}", "write it with pandapower.to_json") from error
    if not isinstance(document, dict) or document.get("_class") != "pandapowerNet":
        raise StudyError(
            f"{file}: it is JSON, but not a pandapower network", "write it with pandapower.to_json"
        )
    foreign = sorted({name for name in _MODULE.findall(text) if name.split(".")[0] not in _KNOWN_MODULES})
    if foreign:
        raise StudyError(
            f"{file}: it asks for the module {foreign[0]}", "remove what is not pandapower's own"
        )
    import pandapower

    with quiet():
        try:
            net = pandapower.from_json_string(text)
        except (AttributeError, ImportError, KeyError, TypeError, UserWarning, ValueError) as error:
            raise StudyError(
                f"{file}: pandapower cannot read it: {type(error).__name__}: {error}",
                "write it with the installed pandapower.to_json",
            ) from error
    if len(net.bus) == 0:
        raise StudyError(f"{file}: it has no buses", "write a network that has")
    return net


@contextmanager
def quiet() -> Iterator[None]:
    """Pandapower uses what the installed pandas calls deprecated; a result says nothing of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        # The voltages of a fault are calculated here, off-nominal transformers and all.
        warnings.filterwarnings("ignore", "Calculation does not support calculation of voltages")
        yield


def engine() -> str:
    """Name and version."""
    import pandapower

    return f"pandapower {pandapower.__version__}"


def is_three_phase(net: Any) -> bool:
    """Whether something in it differs from phase to phase."""
    return any(len(net[kind]) > 0 for kind in ("asymmetric_load", "asymmetric_sgen"))


def solve(net: Any, file: Path, *, three_phase: bool = False, tolerance: float = TOLERANCE_MVA) -> None:
    """Solve the power flow; results are in the network's tables.

    Raises:
        StudyError: It does not converge, or lacks what the calculation needs.
    """
    import pandapower
    from pandapower.auxiliary import LoadflowNotConverged

    run = pandapower.runpp_3ph if three_phase else pandapower.runpp
    with quiet():
        try:
            run(net, tolerance_mva=tolerance)
        except LoadflowNotConverged as error:
            raise StudyError(
                f"{file}: the power flow does not converge: {error}",
                "look for loads beyond what the branches carry, wrong units, or parts without a supply; "
                "pandapower.diagnostic(net) lists suspects",
            ) from error
        except (KeyError, UserWarning, ValueError, NotImplementedError, AttributeError) as error:
            raise StudyError(
                f"{file}: pandapower says: {type(error).__name__}: {error}",
                "complete the network; a three-phase power flow needs zero-sequence data"
                if three_phase
                else "complete the network",
            ) from error


def is_of_source(net: Any, kind: str, index: Any) -> bool:
    """Whether an impedance is the inside of a voltage source, which no branch of the network is."""
    return OF_SOURCE in net[kind] and float(net[kind].at[index, OF_SOURCE]) == 1.0


def convergence(net: Any, *, three_phase: bool = False) -> dict[str, Any]:
    """Facts on the last power flow."""
    iterations = None if three_phase else net._ppc.get("iterations")  # noqa: SLF001
    return {
        "converged": bool(net.converged),
        "algorithm": "current injection, by sequence" if three_phase else "Newton",
        "iterations": None if iterations is None else int(np.max(iterations)),
    }


def name_of(net: Any, kind: str, index: Any) -> str:
    """`line.name`, or `line.3` where an element has none or one that is another's too."""
    names = net[kind].get("name")
    name = None if names is None else names.at[index]
    if name is None or name != name or not str(name).strip() or (names == name).sum() > 1:  # noqa: PLR0124
        return f"{kind}.{index}"
    return f"{kind}.{name}"


def bus_name(net: Any, index: Any) -> str:
    """A bus's name, or its number where it has none or one that is another's too."""
    return name_of(net, "bus", index).partition(".")[2]
