"""What moving feeders and traction supplies would do to a station's transformers, by its meters.

Powers stay what they are; a current follows them to the other busbar or phase pair and up the single-line
diagram. Powers are those of one phase at nominal voltage (current times nominal voltage), each against its
own phase's voltage, so that one figure serves all voltage levels.
"""
