"""What the points of a service know of their station."""

import logging

import substations
from serving import sites
from serving.sites import Sites
from substations.errors import SubstationError
from substations.station import station_facts


def test_read__every_point__knows_the_nameplates_of_its_station():
    known = station_facts(substations.read("mumbai"))

    assert {site.nominals.station for site in Sites.read(["mumbai"])} == {known}


def test_read__circuit_that_hides_its_resistances__is_served_without_them(monkeypatch, caplog):
    def hidden(substation):
        raise SubstationError(substation.circuit_file, "line.f221", "cannot be read", "give it a linecode")

    monkeypatch.setattr(sites, "station_facts", hidden)
    with caplog.at_level(logging.WARNING):
        found = list(Sites.read(["mumbai"]))

    assert found
    assert {site.nominals.station for site in found} == {None}
