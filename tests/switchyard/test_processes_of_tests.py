"""Tests that share what is dear to make run in one process."""

import pytest


@pytest.fixture
def shared(request):
    """The `conftest.py` of all tests."""
    return next(one for one in request.config.pluginmanager.get_plugins() if hasattr(one, "TOGETHER"))


def test_together__every_beginning__is_one_of_tests_that_are_there(shared, request):
    for begin in shared.TOGETHER:
        assert any(request.config.rootpath.glob(f"{begin}*.py")), begin


def test_scope__room_with_a_shared_home__is_the_room_and_else_the_file(shared):
    name = "test_a__b__c[x::y/z]"
    assert shared.scope(f"tests/models/test_trees.py::{name}") == "tests/models/"
    assert shared.scope(f"tests/flows/test_answers.py::{name}") == "tests/flows/test_"
    assert shared.scope(f"tests/flows/up/test_state.py::{name}") == "tests/flows/up/test_state.py"
