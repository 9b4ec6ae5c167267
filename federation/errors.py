"""What can go wrong between substations and the control centre."""

from __future__ import annotations

from collections.abc import Mapping

from switchyard.errors import SwitchyardError


class FederationError(SwitchyardError):
    """A federation cannot start or go on."""


class TooFewSitesError(FederationError):
    """Fewer than two substations: there is no global model to form."""


class WireError(FederationError):
    """Bytes that are not a message of this version, or a message that may not be sent."""


class SiteError(FederationError):
    """A site process failed or was lost; the message names the site."""


class LostSitesError(SiteError):
    """Sites were lost in a round: their processes ended, or did not answer in time.

    Attributes:
        lost: What became of each, by site.
        answers: What the other sites answered in this round.
    """

    def __init__(self, lost: Mapping[str, str], answers: Mapping[str, bytes]) -> None:
        super().__init__("; ".join(lost.values()), "their own messages stand above in the log")
        self.lost = dict(lost)
        self.answers = dict(answers)


class LedgerError(FederationError):
    """The ledger's chain is broken; the message names the file and the line."""


class AccessRefusedError(FederationError, PermissionError):
    """A site process tried to open a file that is not its own."""


class RefusedUpdateError(FederationError):
    """The gate does not let an update in.

    Attributes:
        site: Who sent it.
        rule: The gate's rule that it breaks.
    """

    def __init__(self, site: str, rule: str, message: str, remedy: str = "") -> None:
        super().__init__(f"update of {site} refused ({rule}): {message}", remedy)
        self.site = site
        self.rule = rule
