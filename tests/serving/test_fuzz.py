"""Whatever is sent, the service answers for it: never a 5xx, always JSON."""

import json

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
FIELDS = ("t", "v", "i", "p", "q", "f", "v_ll", "v_min", "v_max", "thd", "pst", "quality", "surplus")
TOP = ("substation", "point", "readings", "waveform", "load_history", "context", "models", "test", "items")


@st.composite
def changes(draw):
    """A field of the item or of one reading, and what to put there."""
    where = draw(st.sampled_from(["item", "reading"]))
    name = draw(st.sampled_from(TOP if where == "item" else FIELDS))
    return where, name, draw(values)


@pytest.fixture(scope="module")
def ask(run_server):
    with httpx.Client(base_url=run_server.url, timeout=20) as client:
        yield lambda content: client.post(
            "/v1/infer", content=content, headers={"content-type": "application/json"}
        )


def sound(response):
    assert response.status_code < 500, response.text
    assert response.headers["content-type"] in {"application/json", "application/problem+json"}
    response.json()


relaxed = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@relaxed
@given(change=st.lists(changes(), min_size=1, max_size=3), row=st.integers(0, 9), batch=st.booleans())
def test_infer__any_field_with_any_value__never_5xx(ask, item, change, row, batch):
    body = item()
    for where, name, value in change:
        target = body if where == "item" else body.get("readings")
        if isinstance(target, list):
            target = target[row] if row < len(target) else None
        if isinstance(target, dict):
            target[name] = value
    sound(ask(json.dumps({"items": [body, item()]} if batch else body)))


@relaxed
@given(
    figures=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3),
    channel=st.sampled_from(["v", "i", "p", "q", "v_ll", "v_min", "v_max", "thd"]),
    count=st.integers(1, 10),
)
def test_infer__any_figures_in_a_channel__never_5xx_nor_nan(ask, item, figures, channel, count):
    body = item()
    for reading in body["readings"][:count]:
        reading[channel] = figures
    response = ask(json.dumps(body))
    sound(response)
    assert "NaN" not in response.text
    assert "Infinity" not in response.text


@relaxed
@given(st.binary(max_size=200))
def test_infer__any_bytes__never_5xx(ask, content):
    sound(ask(content))
