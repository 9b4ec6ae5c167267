"""Which versions answer beside the champions: `serving/routing.json` of a home, read again while serving."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from serving.errors import SnapshotError
from serving.snapshot.writer import writing
from switchyard.errors import UsageError
from switchyard.files import write_json_atomic
from switchyard.home import Home

SCHEMA = 1
HUNDREDTHS = 100


class Challenge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a challenger is asked for beside the champion of the same registered name.

    The version is named, so that a version trained later is served to nobody before it is asked for.

    Attributes:
        version: Version in the registry.
        canary_percent: Share of the points at which it answers in the champion's place, in hundredths.
        shadow: Whether it also answers off the path where the champion answers, to be compared.
    """

    version: str
    canary_percent: float = 0.0
    shadow: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.canary_percent <= 100.0:
            raise ValueError(f"canary_percent = {self.canary_percent} is not within 0 to 100")

    @property
    def idle(self) -> bool:
        """Whether it asks for nothing."""
        return not self.canary_percent and not self.shadow


class Routing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Challenges by registered name of the champion.

    Attributes:
        schema: Version of this file's form.
        challenges: What is asked of challengers.
    """

    schema: int = SCHEMA
    challenges: dict[str, Challenge] = {}


NO_CHALLENGE = Routing()


def read_routing(home: Home) -> Routing:
    """The routing of a home; no challenge where there is no file.

    Raises:
        SnapshotError: The file cannot be read or breaks its form.
    """
    path = home.routing
    remedy = "correct it with switchyard canary and switchyard shadow, or delete it"
    try:
        routing = msgspec.json.decode(path.read_bytes(), type=Routing)
    except FileNotFoundError:
        return NO_CHALLENGE
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror}", remedy) from error
    except msgspec.DecodeError as error:
        raise SnapshotError(f"{path}: {error}", remedy) from error
    if routing.schema != SCHEMA:
        raise SnapshotError(f"{path}: schema {routing.schema}, this version reads {SCHEMA}", remedy)
    return routing


def write_routing(home: Home, routing: Routing) -> None:
    """Write the routing whole; running services take it up within a second or two."""
    write_json_atomic(home.routing, msgspec.to_builtins(routing))


def change(
    home: Home, registered: str, changed: Callable[[Challenge | None], Challenge]
) -> tuple[Routing, Routing]:
    """Change the challenge of one registered name, one writer at a time.

    Args:
        home: The home.
        registered: Registered name of the champion.
        changed: The new challenge for the present one; one that asks for nothing is taken out.

    Returns:
        The routing before and after.

    Raises:
        SnapshotError: The present file breaks its form.
    """
    with writing(home):
        before = read_routing(home)
        challenges = dict(before.challenges)
        asked = changed(challenges.pop(registered, None))
        if not asked.idle:
            challenges[registered] = asked
        after = Routing(challenges=dict(sorted(challenges.items())))
        write_routing(home, after)
    return before, after


def drop(home: Home, registered: str) -> None:
    """Ask nothing of the challenger of `registered` any more."""
    change(home, registered, lambda present: Challenge("" if present is None else present.version))


def hundredths(percent: float) -> float:
    """`percent` where it is a whole number of hundredths within 0 to 100.

    Raises:
        UsageError: It is not.
    """
    if not 0.0 <= percent <= 100.0 or abs(percent * HUNDREDTHS - round(percent * HUNDREDTHS)) > 1e-6:
        raise UsageError(f"{percent:g} % is not within 0 to 100 in steps of 0.01", "give such as 5 or 12.5")
    return round(percent, 2)
