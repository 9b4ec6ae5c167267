from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import psutil
import pytest

from federation.confinement import Confinement
from federation.envelope import Envelope, new_nonce, seal, unseal
from federation.errors import LostSitesError
from federation.message import Message
from federation.plans import plan, schema_digest
from federation.spec import SiteSpec
from federation.transport import SiteProcesses
from federation.wire import decode, encode

MODEL = "phase_imbalance"


def spec(name: str, folder: Path, other: Path) -> SiteSpec:
    return SiteSpec(name, (MODEL,), folder, date(2025, 1, 1), Confinement(folder, (folder.parent, other)))


def first_state(site: str) -> bytes:
    learner = plan(MODEL)
    envelope = Envelope(
        "state", "t", MODEL, learner.family.name, 0, new_nonce(), site, schema_digest(learner.definition)
    )
    settings = {"columns": len(learner.definition.features), "classes": 4}
    return encode(seal(learner.family.start(settings, {}), envelope))


def test_site_processes__states_out__updates_back_from_confined_processes(campaign):
    folders = campaign.sites
    pair = [
        spec("delhi", folders["delhi"], folders["mumbai"]),
        spec("mumbai", folders["mumbai"], folders["delhi"]),
    ]
    with SiteProcesses(pair) as transport:
        pids = [transport.pid("delhi"), transport.pid("mumbai")]
        back = transport.exchange({site: first_state(site) for site in ("delhi", "mumbai")})
        assert os.getpid() not in pids
    for site, data in back.items():
        update, envelope = unseal(decode(data))
        assert (envelope.kind, envelope.site) == ("update", site)
        assert update.n > 100
    assert not any(psutil.pid_exists(pid) for pid in pids if pid)


def test_site_process__told_to_read_anothers_dataset__is_refused_and_says_only_that_it_failed(
    campaign, capfd
):
    mine, other = campaign.sites["delhi"], campaign.sites["mumbai"]
    wrong = SiteSpec("delhi", (MODEL,), other, date(2025, 1, 1), Confinement(mine, (campaign.home.root,)))
    with SiteProcesses([wrong]) as transport:
        back = transport.exchange({"delhi": first_state("delhi")})
    message, envelope = unseal(decode(back["delhi"]))
    assert envelope.kind == "failure"
    assert message == Message({"n": 0}, {})
    assert "this site may not touch" in capfd.readouterr().err


def test_site_process__killed__names_the_site(campaign):
    one = spec("delhi", campaign.sites["delhi"], campaign.sites["mumbai"])
    with SiteProcesses([one]) as transport:
        transport.exchange({"delhi": first_state("delhi")})
        os.kill(transport.pid("delhi") or 0, signal.SIGKILL)
        with pytest.raises(LostSitesError, match=r"site delhi was lost \(exit code -9\)"):
            transport.exchange({"delhi": first_state("delhi")})


def test_site_process__no_answer_in_time__names_the_site(campaign):
    one = spec("delhi", campaign.sites["delhi"], campaign.sites["mumbai"])
    with (
        SiteProcesses([one], timeout_s=0.01) as transport,
        pytest.raises(LostSitesError, match=r"site delhi did not answer within 0\.01 s"),
    ):
        transport.exchange({"delhi": first_state("delhi")})


def test_site_processes__one_is_killed__the_others_answers_arrive_and_it_is_not_asked_again(campaign):
    folders = campaign.sites
    pair = [
        spec("delhi", folders["delhi"], folders["mumbai"]),
        spec("mumbai", folders["mumbai"], folders["delhi"]),
    ]
    with SiteProcesses(pair) as transport:
        os.kill(transport.pid("delhi") or 0, signal.SIGKILL)
        for _ in range(2):
            with pytest.raises(LostSitesError) as caught:
                transport.exchange({site: first_state(site) for site in ("delhi", "mumbai")})
            assert list(caught.value.lost) == ["delhi"]
            _, envelope = unseal(decode(caught.value.answers["mumbai"]))
            assert envelope.kind == "update"
        assert set(transport.lost) == {"delhi"}


def test_site_process__control_centre_killed__ends_too(campaign):
    script = f"""
import sys, time
from datetime import date
from pathlib import Path
from federation.confinement import Confinement
from federation.spec import SiteSpec
from federation.transport import SiteProcesses
if __name__ == "__main__":
    folder = Path({str(campaign.sites["delhi"])!r})
    spec = SiteSpec("delhi", ({MODEL!r},), folder, date(2025, 1, 1), Confinement(folder, (folder.parent,)))
    with SiteProcesses([spec]) as transport:
        print(transport.pid("delhi"), flush=True)
        time.sleep(600)
"""
    centre = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert centre.stdout is not None
    site = int(centre.stdout.readline())
    centre.kill()
    centre.wait()
    centre.stdout.close()
    deadline = time.monotonic() + 20
    while psutil.pid_exists(site) and psutil.Process(site).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the site outlived its control centre"
        time.sleep(0.05)
