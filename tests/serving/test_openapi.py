"""The OpenAPI document: valid, whole, and what the service does is what it says."""

import copy
import json
import re

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from openapi_spec_validator.validation.exceptions import OpenAPIValidationError

from data_contracts.wire import decode
from serving import problems
from serving.openapi import ITEM, PROBLEMS, document


@pytest.fixture(scope="module")
def spec():
    return json.loads(json.dumps(document()))


def operations(spec):
    return {
        (path, method): spec["paths"][path][method]
        for path in spec["paths"]
        for method in spec["paths"][path]
    }


def validator(spec, schema):
    return jsonschema.Draft202012Validator({**schema, "components": spec["components"]})


def test_document__is_openapi_3_1_and_valid(spec):
    assert spec["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(spec).validate()
    broken = copy.deepcopy(spec)
    broken["paths"]["/v1/infer"]["post"]["parameters"][0].pop("in")
    with pytest.raises(OpenAPIValidationError):
        OpenAPIV31SpecValidator(broken).validate()


def test_document__every_example__keeps_its_schema(spec):
    checked = 0
    for operation in operations(spec).values():
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in (content for body in bodies for content in body.get("content", {}).values()):
            for name, example in content.get("examples", {}).items():
                validator(spec, content["schema"]).validate(example["value"])
                checked += 1
                assert name
    assert checked > 30


def test_document__example_of_a_request__is_taken_by_the_decoder():
    assert decode(json.dumps(ITEM).encode()).point == "DTX1.LV"


def test_document__every_kind_of_problem__has_an_example_at_its_status(spec):
    assert set(PROBLEMS) == set(problems.TITLES)
    shown = {}
    for (path, _), operation in operations(spec).items():
        for status, response in operation["responses"].items():
            media_type = response["content"].get("application/problem+json", {})
            for kind, example in media_type.get("examples", {}).items():
                shown.setdefault(kind, set()).add(path)
                assert example["value"]["type"] == problems.TYPES + kind
                assert str(example["value"]["status"]) == status
                if status in {"429", "503"}:
                    assert "Retry-After" in response["headers"]
    assert set(shown) == set(problems.TITLES) - {"not-found"}
    assert shown["contract-violation"] == {"/v1/infer"}


def test_service__answers_and_refusals__keep_the_documents_schemas(run_server, spec, item):
    responses = spec["paths"]["/v1/infer"]["post"]["responses"]
    deep = b'{"items": [' + b"1," * 700 + b"1]}"
    bodies = [
        (json.dumps(item()).encode(), {}),
        (json.dumps({"items": [item(), item(point="x")]}).encode(), {}),
        (b"{", {}),
        (b"{}", {}),
        (b" " * 300_000, {}),
        (deep, {}),
        (b"{}", {"content-type": "text/plain"}),
        (json.dumps(item()).encode(), {"x-deadline-ms": "x"}),
        (json.dumps(item(2)).encode(), {"x-deadline-ms": "1"}),
    ]
    seen = set()
    with run_server.client() as client:
        for body, headers in bodies:
            answer = client.post(
                "/v1/infer", content=body, headers={"content-type": "application/json"} | headers
            )
            seen.add(answer.status_code)
            told = responses[str(answer.status_code)]["content"][answer.headers["content-type"]]
            validator(spec, told["schema"]).validate(answer.json())
        catalogue = spec["paths"]["/v1/models"]["get"]["responses"]["200"]["content"]["application/json"]
        validator(spec, catalogue["schema"]).validate(client.get("/v1/models").json())
        served = client.get("/docs.json").json()
    assert {200, 400, 413, 415, 422} <= seen
    assert served == spec


def test_document__references__all_lead_somewhere(spec):
    text = json.dumps(spec)
    for reference in set(re.findall(r"#/components/schemas/([^\"]+)", text)):
        assert reference in spec["components"]["schemas"]
