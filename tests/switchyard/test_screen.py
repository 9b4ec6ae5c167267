from switchyard.screen import brief


def test_brief__figures_lists_and_horizons__are_told_as_a_person_writes_them() -> None:
    assert brief(50.01234) == "50.0123"
    assert brief(0.0123456) == "0.01235"
    assert brief(["v_min_dip_pu", "v_max_rise_pu"]) == "v_min_dip_pu, v_max_rise_pu"
    assert brief({"15min": [5815420.7856, 5912000.1234]}) == "15min 5.81542e+06 to 5.912e+06"
    assert brief({"T1": 9}) == "T1 9"
