"""The BentoML service: packaging, health and documentation around the hand-written front.

`bentoml serve serving.service:SwitchyardService` and `switchyard serve` run the same application; the latter
under a lighter supervisor.
"""

from __future__ import annotations

from switchyard.telemetry import switch_off

switch_off()  # BentoML reads its switch when it is imported

import bentoml  # noqa: E402

from serving.access import Access  # noqa: E402
from serving.app import Gateway  # noqa: E402
from serving.audit import MIB, Audit  # noqa: E402
from serving.inference import Compute  # noqa: E402
from serving.intake import infer  # noqa: E402
from serving.limits import Limits  # noqa: E402
from serving.live import Live  # noqa: E402
from switchyard import log  # noqa: E402
from switchyard.settings import get_settings  # noqa: E402


class FrontedService(bentoml.Service):  # type: ignore[misc]
    """A BentoML service whose application stands behind the front.

    BentoML's own middleware would keep a timer per request, label metrics with raw paths and let NaN pass;
    what is answered in front never gets there.
    """

    def to_asgi(self, is_main: bool = True, compute: Compute = infer) -> Gateway:
        """The application that a worker runs, for the home and the substations of the settings.

        Args:
            is_main: Whether this is the service that clients see, as BentoML tells.
            compute: What answers a body.
        """
        settings = get_settings()
        log.configure(settings.log_level, settings.folders.logs, "serve")
        home = settings.folders
        limits = Limits(deadline_s=settings.deadline_s)
        live = Live(home, settings.substations, limits)
        by_certificate = settings.client_ca is not None
        access = Access(home, insecure=settings.insecure, by_certificate=by_certificate)
        audit = Audit(home.audit_log, settings.audit_mib * MIB, settings.audit_files)
        return Gateway(super().to_asgi(is_main), live, access, audit=audit, limits=limits, compute=compute)


class Switchyard:
    """16 models answer for the measurement points of electrical substations: `POST /v1/infer`."""


SwitchyardService: FrontedService = bentoml.service(
    name="switchyard",
    service_class=FrontedService,
    workers=1,
    http={"host": "127.0.0.1", "port": 3000},
    traffic={"timeout": 60},
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
)(Switchyard)
