import os

import switchyard.telemetry


def test_import_switchyard__any_process__every_opt_out_set():
    assert switchyard.telemetry.OFF.items() <= os.environ.items()
