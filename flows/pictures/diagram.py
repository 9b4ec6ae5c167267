"""The single-line diagram: every bay of the description, coloured by its loading in one normal state."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, sqrt

from flows.pictures import symbols
from flows.pictures.layout import Bar, Bay, Layout, lay_out, upper_bus
from flows.pictures.section import Section, picture
from flows.pictures.source import Source
from flows.pictures.state import Measured, State, heaviest, rated_current_a
from flows.pictures.style import GREY, INK, ORANGE, escape
from substations.description import Coupler, Feeder, Infeed, Point, Substation, Transformer

# Lower ends in percent and colours: from light to dark blue, then amber, then vermilion.
CLASSES = ((0.0, "#7DB8DE"), (25.0, "#3E8CC4"), (50.0, "#0B5394"), (75.0, "#E69F00"), (100.0, ORANGE))
BAYS = ("feeder", "transformer_bay", "infeed")
_BREAKER, _SYMBOL, _LABEL = 24.0, 78.0, 128.0


def section(source: Source) -> Section:
    """The diagram as a section; without a normal episode it shows the description alone."""
    state = heaviest(source)
    drawn = Diagram(source.substation, state).svg()
    if state is None:
        title = f"{source.substation.title}: the station as it is described"
        lead = "The dataset holds no readings of normal operation; bays are not coloured."
    else:
        most, share = _most_loaded(source.substation, state)
        title = f"{source.substation.title}: {most} carries most, {share:.0f} % of its rated current"
        lead = (
            f"Means over the {state.seconds} s of {state.scenario_id} from {state.start:%d %B %Y, %H:%M:%S} "
            "local time, the normal episode with the heaviest feeders. A bay's colour is the mean metered "
            "current of its three phases against the bay's rated current, a transformer's against that of "
            "its winding. Rest the pointer on a bay for all figures."
        )
    return Section("diagram", "Single line", title, lead, picture(drawn))


def _most_loaded(substation: Substation, state: State) -> tuple[str, float]:
    far_ends = {feeder.end_point for feeder in substation.feeders}
    shares = {
        point.id: 100.0 * state.at[point.id].i_a / rated_current_a(substation, point)
        for point in substation.points
        if point.id in state.at and point.kind in BAYS and point.id not in far_ends
    }
    most = max(shares, key=lambda name: shares[name])
    return most, shares[most]


def colour_of(loading_pct: float | None) -> str:
    """Colour of a loading in percent; grey where it is not measured."""
    if loading_pct is None:
        return GREY
    return [colour for low, colour in CLASSES if loading_pct >= low][-1]


class Diagram:
    """Draws one substation, with one state where there is one."""

    def __init__(self, substation: Substation, state: State | None) -> None:
        self._substation = substation
        self._state = state
        self._layout: Layout = lay_out(substation)
        self._breakers = {asset.bay: asset for asset in substation.assets if asset.kind == "breaker"}

    def svg(self) -> str:
        """The diagram as one `<svg>` element."""
        made = self._substation
        parts = [
            *(self._infeed(infeed) for infeed in made.infeeds),
            *(self._transformer(transformer) for transformer in made.transformers),
            *(self._coupler(coupler) for coupler in made.couplers),
            *(self._feeder(feeder) for feeder in made.feeders),
            *(self._shunt(bay) for bay in self._layout.below if bay.of not in {"feeders", "transformers"}),
            *(self._bar(bus, bar) for bus, bar in self._layout.bars.items()),
            self._legend(),
        ]
        size = f"0 0 {self._layout.width:.0f} {self._layout.height + 34:.0f}"
        label = escape(f"Single-line diagram of {made.title}")
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" role="img" aria-label="{label}" '
            f'class="diagram">{"".join(parts)}</svg>'
        )

    def _measured(self, point: str) -> Measured | None:
        return None if self._state is None else self._state.at.get(point)

    def _loading_pct(self, point: Point | None) -> float | None:
        found = None if point is None else self._measured(point.id)
        if point is None or found is None:
            return None
        return 100.0 * found.i_a / rated_current_a(self._substation, point)

    def _figures(self, point: Point | None) -> tuple[list[str], str]:
        """What is printed beside a bay, and the same as attributes for programs."""
        share, found = self._loading_pct(point), None if point is None else self._measured(point.id)
        if point is None or share is None or found is None:
            return [], ""
        printed = [f"{found.i_a:.0f} A · {share:.0f} %", f"{abs(found.p_mw):.1f} MW"]
        data = (
            f' data-point="{escape(point.id)}" data-current-a="{found.i_a:.3f}" '
            f'data-loading-pct="{share:.3f}" data-p-mw="{found.p_mw:.4f}"'
        )
        return printed, data

    def _hover(self, name: str, points: Sequence[Point | None], *more: str) -> list[str]:
        said = [name, *more]
        for point in points:
            found, share = (
                (None, None) if point is None else (self._measured(point.id), self._loading_pct(point))
            )
            if point is not None and found is not None:
                said.append(
                    f"{point.id}: {found.v_kv:.2f} kV, {found.i_a:.1f} A ({share:.1f} % of "
                    f"{rated_current_a(self._substation, point):.0f} A), {found.p_mw:+.2f} MW, "
                    f"{found.q_mvar:+.2f} Mvar"
                )
        return said

    def _breaker(self, bays: Sequence[str], x: float, y: float, colour: str, *, closed: bool = True) -> str:
        """The breaker of the first of these bays that has one; nothing where none is described."""
        for bay in bays:
            if bay in self._breakers:
                asset = self._breakers[bay]
                rated = ", ".join(f"{key} {value:g}" for key, value in asset.ratings.items())
                said = [asset.id, rated, f"in service since {asset.commissioned:%d %B %Y}"]
                return symbols.group(said, symbols.breaker(x, y, colour, closed=closed))
        return ""

    def _point(self, name: str | None) -> Point | None:
        return next((point for point in self._substation.points if point.id == name), None)

    def _bar(self, bus: str, bar: Bar) -> str:
        described = self._substation.bus(bus)
        limit = next((a for a in self._substation.limits if a.nominal_kv == described.nominal_kv), None)
        here = [point for point in self._substation.points if point.bus == bus and self._measured(point.id)]
        here.sort(key=lambda point: point.kind != "bus")
        found = self._measured(here[0].id) if here else None
        printed, data = [f"{described.nominal_kv:g} kV {bus}"], ""
        if found is not None:
            pu = found.v_kv / described.nominal_kv
            printed.append(f"{found.v_kv:.1f} kV = {pu:.3f} pu")
            data = f' data-bus="{escape(bus)}" data-v-kv="{found.v_kv:.4f}"'
        allowed = "" if limit is None else f"allowed: {limit.v_min_pu:.3f} to {limit.v_max_pu:.3f} pu"
        breaking = "" if described.breaker_ka is None else f"breakers: {described.breaker_ka:g} kA"
        body = symbols.line([(bar.left, bar.y), (bar.right, bar.y)], INK, 6.0)
        x, anchor = self._free_side(bus, bar, 7.5 * max(len(text) for text in printed))
        body += symbols.texts(x, bar.y - 26, printed, anchor=anchor, size=12)
        section_of = "" if described.section is None else f"section {described.section}"
        return symbols.group([*printed, section_of, allowed, breaking], body, data)

    def _free_side(self, bus: str, bar: Bar, length: float) -> tuple[float, str]:
        """End of a busbar above which a text of this length meets no line."""
        lines = [x for (_, _, at), x in self._layout.above.items() if at == bus]
        if any(bar.left - 4 < x < bar.left + length for x in lines) and not any(
            bar.right - length < x < bar.right + 4 for x in lines
        ):
            return bar.right, "end"
        return bar.left, "start"

    def _infeed(self, infeed: Infeed) -> str:
        bar, x = self._layout.bars[infeed.bus], self._layout.above["infeeds", infeed.id, infeed.bus]
        point = self._point(infeed.point)
        colour = colour_of(self._loading_pct(point))
        printed, data = self._figures(point)
        body = symbols.line([(x, bar.y), (x, bar.y - 76)], colour) + symbols.grid(x, bar.y - 76, INK)
        body += symbols.texts(
            x + 20, bar.y - 84, [infeed.id, *printed, f"{infeed.length_km:g} km"], anchor="start"
        )
        body += self._breaker([infeed.id, infeed.point], x, bar.y - _BREAKER, colour)
        return symbols.group(self._hover(infeed.id, [point], f"{infeed.length_km:g} km"), body, data)

    def _transformer(self, transformer: Transformer) -> str:
        upper = upper_bus(transformer)
        x, top = self._layout.below[Bay("transformers", transformer.id)], self._layout.bars[upper].y
        measured = [point for point in self._substation.points if point.element == transformer.element]
        of = {point.bus: point for point in sorted(measured, key=lambda a: a.kind == "transformer_bay")}
        first = of.get(upper)
        colours = {bus: colour_of(self._loading_pct(point)) for bus, point in of.items()}
        others = [winding.bus for winding in transformer.windings if winding.bus != upper]
        lower = colours.get(others[0], GREY)
        y = top + _SYMBOL
        body = symbols.line([(x, top), (x, y - 14)], colours.get(upper, GREY))
        body += self._breaker(self._bays(transformer.id, first), x, top + _BREAKER, colours.get(upper, GREY))
        body += symbols.transformer(
            x, y, colours.get(upper, GREY), lower, tertiary=len(transformer.windings) == 3
        )
        for bus in others:
            if bus in self._layout.bars:
                meets, bar = self._layout.above["transformers", transformer.id, bus], self._layout.bars[bus]
                colour = colours.get(bus, GREY)
                bend = bar.y - 44
                body += symbols.line([(x, y + 35), (x, bend), (meets, bend), (meets, bar.y)], colour)
                body += self._breaker(
                    self._bays(transformer.id, of.get(bus)), meets, bar.y - _BREAKER, colour
                )
        printed, data = self._figures(first)
        volts = "/".join(f"{winding.nominal_kv:g}" for winding in transformer.windings)
        tap = "" if self._state is None else self._state.taps.get(transformer.id)
        turned = (
            "" if tap in {None, ""} or transformer.taps is None else f"tap {tap} of {transformer.taps.steps}"
        )
        body += symbols.texts(
            x + 24,
            y - 6,
            [transformer.id, f"{transformer.rated_mva:g} MVA", *printed, turned],
            anchor="start",
        )
        power = self._measured(first.id) if first is not None else None
        apparent = "" if power is None else f"{hypot(power.p_mw, power.q_mvar):.1f} MVA"
        said = [transformer.vector_group, f"{volts} kV, {transformer.rated_mva:g} MVA", apparent, turned]
        points = [point for _, point in sorted(of.items(), key=lambda pair: pair[1].terminal)]
        return symbols.group(self._hover(transformer.id, points, *said), body, data)

    def _bays(self, name: str, point: Point | None) -> list[str]:
        return [name] if point is None else [point.id, name]

    def _coupler(self, coupler: Coupler) -> str:
        one, other = sorted((self._layout.bars[bus] for bus in coupler.buses), key=lambda bar: bar.left)
        colour = INK if coupler.closed else GREY
        dash = "" if coupler.closed else "4 4"
        # What stands between the two is passed above.
        between = any(
            one.right < bar.left < other.left and bar.y == one.y for bar in self._layout.bars.values()
        )
        if between or one.y != other.y:
            way = [(one.right, one.y), (one.right + 12, one.y - 34), (other.left - 12, one.y - 34)]
            body = symbols.line([*way, (other.left, other.y)], colour, 2.4, dash)
            x, y = (one.right + other.left) / 2, one.y - 34
        else:
            body = symbols.line([(one.right, one.y), (other.left, other.y)], colour, 2.4, dash)
            x, y = (one.right + other.left) / 2, one.y
        stands = "closed" if coupler.closed else "open"
        body += symbols.breaker(x, y, INK, closed=coupler.closed)
        body += symbols.texts(x, y + 22, [coupler.id, stands])
        points = [point for point in self._substation.points if point.element == coupler.element]
        return symbols.group(self._hover(f"{coupler.id}: bus coupler, {stands}", points), body)

    def _feeder(self, feeder: Feeder) -> str:
        x, top = self._layout.below[Bay("feeders", feeder.id)], self._layout.bars[feeder.bus].y
        point, end = self._point(feeder.point), self._point(feeder.end_point)
        colour = colour_of(self._loading_pct(point))
        printed, data = self._figures(point)
        pulls = [entry for entry in self._substation.traction if entry.bus == feeder.end_bus]
        more = [f"PV {feeder.pv_mw:g} MW"] if feeder.pv_mw else []
        more += [f"traction {entry.rated_mw:g} MW {entry.phases}" for entry in pulls]
        body = symbols.line([(x, top), (x, top + _LABEL - 26)], colour)
        body += symbols.arrow(x, top + _LABEL - 16, colour)
        body += self._breaker([feeder.id, feeder.point], x, top + _BREAKER, colour)
        body += symbols.texts(x, top + _LABEL, [feeder.id, *printed, *more])
        length = (
            f"{feeder.length_km:g} km, {100 * feeder.overhead_share:.0f} % overhead" if feeder.line else ""
        )
        moved = f"can be moved to {feeder.transfer_bus}" if feeder.transfer_bus else ""
        base = f"base load {feeder.base_mw:g} MW at power factor {feeder.power_factor:g}"
        return symbols.group(self._hover(feeder.id, [point, end], base, length, moved, *more), body, data)

    def _shunt(self, bay: Bay) -> str:
        entry = next(entry for entry in getattr(self._substation, bay.of) if entry.id == bay.id)
        x, top = self._layout.below[bay], self._layout.bars[entry.bus].y
        body, printed = symbols.line([(x, top), (x, top + 44)], INK, 1.8), [bay.id]
        if bay.of == "capacitors":
            steps = None if self._state is None else self._state.steps.get(bay.id)
            body += symbols.capacitor(x, top + 44, in_service=steps != 0)
            printed += [f"{entry.mvar:g} Mvar"]
            printed += [] if steps is None else [f"{steps} of {entry.steps} in"]
        elif bay.of == "reactors":
            body += symbols.reactor(x, top + 44)
            printed += [f"{entry.mvar:g} Mvar"]
        else:
            body += symbols.zigzag(x, top + 44)
            printed += [f"Z0 {entry.z0_ohm:g} Ω"]
        body += self._breaker([bay.id], x, top + _BREAKER, INK)
        body += symbols.texts(x, top + _LABEL, printed)
        name = {"capacitors": "capacitor bank", "reactors": "shunt reactor"}.get(
            bay.of, "earthing transformer"
        )
        amps = (
            entry.mvar / (sqrt(3.0) * self._substation.bus(entry.bus).nominal_kv)
            if bay.of != "earthing"
            else 0
        )
        rated = f"{1000 * amps:.0f} A at nominal voltage" if amps else ""
        return symbols.group([f"{bay.id}: {name}", *printed[1:], rated], body)

    def _legend(self) -> str:
        y, x = self._layout.height + 12, 24.0
        body = symbols.texts(x, y, ["loading"], anchor="start")
        edges = [f"{low:.0f}" for low, _ in CLASSES]
        for at, (_, colour) in enumerate(CLASSES):
            to = f"–{edges[at + 1]} %" if at + 1 < len(edges) else " % and more"
            left = x + 66 + 112 * at
            body += f'<rect x="{left:.0f}" y="{y - 9:.0f}" width="26" height="10" fill="{colour}"/>'
            body += symbols.texts(left + 32, y, ["", f"{edges[at]}{to}"], anchor="start", step=0)
        left = x + 66 + 112 * len(CLASSES) + 24
        body += symbols.line([(left, y - 4), (left + 26, y - 4)], GREY) + symbols.texts(
            left + 32, y, ["", "not measured"], anchor="start", step=0
        )
        body += symbols.breaker(left + 140, y - 4, INK) + symbols.texts(
            left + 152, y, ["", "breaker, closed"], anchor="start", step=0
        )
        body += symbols.breaker(left + 262, y - 4, INK, closed=False) + symbols.texts(
            left + 274, y, ["", "open"], anchor="start", step=0
        )
        return f"<g>{body}</g>"
