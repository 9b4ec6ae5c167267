"""The circuit's voltages, ratings and impedances are those of the description."""

from __future__ import annotations

from math import acos, sqrt, tan

from substations.description import Capacitor, Feeder, Substation, Transformer
from substations.facts import (
    CapacitorFacts,
    Elements,
    LineFacts,
    LoadFacts,
    ReactorFacts,
    SourceFacts,
    TransformerFacts,
)
from substations.places import in_circuit, in_yaml

# Short-circuit reactances outside of this range are no power transformer's (percent on its own rating).
REACTANCE_PCT = (3.0, 60.0)
# Loads keep their power between these voltages: outside of them the engine makes them impedances.
LOAD_VMIN_PU = 0.7
LOAD_VMAX_PU = 1.2
_TOLERANCE = 2e-3


class RatingChecks:
    """Comparisons of one description with the facts of its circuit.

    Every method raises `SubstationError` with the entry, both values and the remedy.
    """

    def __init__(self, substation: Substation) -> None:
        self._substation = substation
        self._circuit = substation.circuit_file.name

    def all(self, elements: Elements) -> None:
        """Compare every described element with the circuit's."""
        self.source(elements.source)
        for line in elements.lines:
            self.line(line)
        transformers = {facts.element: facts for facts in elements.transformers}
        for transformer in self._substation.transformers:
            self.transformer(transformer, transformers[transformer.element])
        loads = {facts.element: facts for facts in elements.loads}
        for feeder in self._substation.feeders:
            self.feeder(feeder, loads)
        for supply in self._substation.traction:
            self.constant_power(loads[supply.element], self._substation.bus(supply.bus).nominal_kv)
        units = {facts.element: facts for facts in elements.capacitors}
        for bank in self._substation.capacitors:
            self.capacitor(bank, units)
        self.reactors({facts.element: facts for facts in elements.reactors})

    def equal(self, key: str, described: float, element: str, found: float, what: str) -> None:
        """Two figures agree within 0.2 %."""
        if abs(described - found) > _TOLERANCE * max(abs(described), abs(found)):
            raise in_yaml(
                self._substation,
                key,
                f"{described:.6g}, but {what} of {element} in {self._circuit} is {found:.6g}",
                "correct the one that is wrong",
            )

    def source(self, source: SourceFacts) -> None:
        """The source has its bus's nominal voltage."""
        nominal_kv = self._substation.bus(source.bus).nominal_kv
        self.equal(f"buses[{source.bus}].nominal_kv", nominal_kv, source.element, source.nominal_kv, "basekv")

    def line(self, facts: LineFacts) -> None:
        """Lengths in the description, and the rated current of the line's asset, are the circuit's."""
        infeeds = [
            (f"infeeds[{entry.id}]", entry.line, entry.length_km) for entry in self._substation.infeeds
        ]
        feeders = [
            (f"feeders[{entry.id}]", entry.line, entry.length_km) for entry in self._substation.feeders
        ]
        for key, line, length_km in (*infeeds, *feeders):
            if line == facts.element:
                self.equal(f"{key}.length_km", length_km, facts.element, facts.length_km, "the length in km")
        for asset in self._substation.assets:
            if asset.element == facts.element and "a" in asset.ratings:
                key = f"assets[{asset.id}].ratings.a"
                self.equal(key, asset.ratings["a"], facts.element, facts.rated_a, "normamps")
        if min(facts.r1_ohm_per_km, facts.x1_ohm_per_km, facts.r0_ohm_per_km, facts.x0_ohm_per_km) <= 0:
            raise in_circuit(
                self._substation,
                facts.element,
                "a sequence resistance or reactance is not positive",
                "give r1, x1, r0 and x0 of the line code",
            )

    def transformer(self, described: Transformer, facts: TransformerFacts) -> None:
        """Windings, reactances, losses and tap changer agree and are plausible."""
        key, name = f"transformers[{described.id}]", facts.element
        for number, (winding, found) in enumerate(zip(described.windings, facts.windings, strict=True)):
            place = f"{key}.windings[{number}]"
            self.equal(f"{place}.nominal_kv", winding.nominal_kv, name, found.nominal_kv, "the winding's kv")
            self.equal(
                f"{place}.rated_mva", winding.rated_mva, name, found.rated_kva / 1000, "the winding's MVA"
            )
            if winding.connection != found.connection:
                raise in_yaml(
                    self._substation,
                    f"{place}.connection",
                    f"{winding.connection!r}, but {name} has {found.connection!r}",
                    "correct the one that is wrong",
                )
        for field in ("x_hl_pct", "x_ht_pct", "x_lt_pct"):
            value, found_value = getattr(described, field), getattr(facts, field)
            if value is None or found_value is None:
                continue
            self.equal(f"{key}.{field}", value, name, found_value, field)
            low, high = REACTANCE_PCT
            if not low <= value <= high:
                raise in_yaml(
                    self._substation,
                    f"{key}.{field}",
                    f"{value:g} % is outside {low:g}…{high:g} %",
                    "give the reactance in percent on the first winding's rating",
                )
        loss_kw = (facts.windings[0].r_pct + facts.windings[1].r_pct) / 100 * facts.windings[0].rated_kva
        self.equal(f"{key}.load_loss_kw", described.load_loss_kw, name, loss_kw, "(%r1 + %r2)·kva")
        if facts.no_load_loss_pct != 0 or facts.magnetising_pct != 0:
            raise in_circuit(
                self._substation,
                name,
                "the transformer has a magnetising branch",
                f"set %noloadloss=0 %imag=0 and give {key}.no_load_loss_kw",
            )
        for asset in self._substation.assets:
            for stage in described.cooling if asset.element == name else ():
                rating = f"mva_{stage.stage.lower()}"
                if asset.ratings.get(rating, stage.rated_mva) != stage.rated_mva:
                    raise in_yaml(
                        self._substation,
                        f"assets[{asset.id}].ratings.{rating}",
                        f"{asset.ratings[rating]:g} MVA, but {key}.cooling has {stage.rated_mva:g} MVA",
                        "correct the one that is wrong",
                    )
        self._taps(described, facts)

    def _taps(self, described: Transformer, facts: TransformerFacts) -> None:
        taps = described.taps
        for number, winding in enumerate(facts.windings, start=1):
            if taps is None or number != taps.winding:
                if winding.ratio_pu != 1:
                    raise in_circuit(
                        self._substation,
                        facts.element,
                        f"winding {number} has tap={winding.ratio_pu:g} without a tap changer",
                        "set tap=1 or describe the tap changer",
                    )
                continue
            key = f"transformers[{described.id}].taps"
            self.equal(f"{key}.min_pu", taps.min_pu, facts.element, winding.min_pu, "mintap")
            self.equal(f"{key}.max_pu", taps.max_pu, facts.element, winding.max_pu, "maxtap")
            self.equal(f"{key}.steps", taps.steps, facts.element, winding.positions, "numtaps + 1")
            if abs(taps.ratio(taps.position(winding.ratio_pu)) - winding.ratio_pu) > 1e-6:
                raise in_circuit(
                    self._substation,
                    facts.element,
                    f"tap={winding.ratio_pu:g} is none of the {taps.steps} positions",
                    f"use {taps.min_pu:g} plus a multiple of {taps.step_pu:g}, up to {taps.max_pu:g}",
                )

    def feeder(self, feeder: Feeder, loads: dict[str, LoadFacts]) -> None:
        """The three loads add up to the feeder's power and are modelled as constant power."""
        facts = [loads[element] for element in feeder.loads]
        key, name = f"feeders[{feeder.id}]", ", ".join(feeder.loads)
        self.equal(
            f"{key}.base_mw", feeder.base_mw, name, sum(load.p_kw for load in facts) / 1000, "the sum of MW"
        )
        q_mvar = feeder.base_mw * tan(acos(feeder.power_factor))
        found_mvar = sum(load.q_kvar for load in facts) / 1000
        if abs(q_mvar - found_mvar) > _TOLERANCE * feeder.base_mw:
            raise in_yaml(
                self._substation,
                f"{key}.power_factor",
                f"{feeder.power_factor:g} makes {q_mvar:.4g} Mvar, but {name} sum to {found_mvar:.4g} Mvar",
                "correct the one that is wrong",
            )
        phase_kv = self._substation.bus(feeder.end_bus).nominal_kv / sqrt(3)
        for load in facts:
            self.constant_power(load, phase_kv)

    def constant_power(self, load: LoadFacts, nominal_kv: float) -> None:
        """A load is constant power from 0.7 to 1.2 pu of the voltage across it."""
        if abs(load.nominal_kv / nominal_kv - 1) > _TOLERANCE:
            raise in_circuit(
                self._substation,
                load.element,
                f"kv={load.nominal_kv:g}, the voltage across it is {nominal_kv:.5g} kV",
                "give kv between the load's conductors",
            )
        if load.model != 1 or load.vmin_pu > LOAD_VMIN_PU or load.vmax_pu < LOAD_VMAX_PU:
            raise in_circuit(
                self._substation,
                load.element,
                f"model={load.model} vminpu={load.vmin_pu:g} vmaxpu={load.vmax_pu:g}: not constant power "
                f"from {LOAD_VMIN_PU:g} to {LOAD_VMAX_PU:g} pu",
                f"set model=1 vminpu={LOAD_VMIN_PU:g} vmaxpu=1.3",
            )

    def capacitor(self, bank: Capacitor, units: dict[str, CapacitorFacts]) -> None:
        """The three units have the bank's power, voltage and steps."""
        facts = [units[element] for element in bank.elements]
        key = f"capacitors[{bank.id}]"
        total_mvar = sum(unit.q_kvar for unit in facts) / 1000
        self.equal(f"{key}.mvar", bank.mvar, ", ".join(bank.elements), total_mvar, "the sum of Mvar")
        phase_kv = self._substation.bus(bank.bus).nominal_kv / sqrt(3)
        for unit in facts:
            self.equal(f"buses[{bank.bus}].nominal_kv / √3", phase_kv, unit.element, unit.nominal_kv, "kv")
            self.equal(f"{key}.steps", bank.steps, unit.element, len(unit.states), "numsteps")

    def reactors(self, reactors: dict[str, ReactorFacts]) -> None:
        """Shunt reactors and earthing transformers have the described ratings."""
        for entry in self._substation.reactors:
            found = reactors[entry.element]
            self.equal(
                f"reactors[{entry.id}].mvar", entry.mvar, found.element, found.q_kvar / 1000, "the Mvar"
            )
            nominal_kv = self._substation.bus(entry.bus).nominal_kv
            self.equal(f"buses[{entry.bus}].nominal_kv", nominal_kv, found.element, found.nominal_kv, "kv")
        for earthing in self._substation.earthing:
            found = reactors[earthing.element]
            self.equal(
                f"earthing[{earthing.id}].z0_ohm", earthing.z0_ohm, found.element, found.z0_ohm, "|z0|"
            )
