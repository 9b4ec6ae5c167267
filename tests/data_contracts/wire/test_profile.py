"""What a request may say of the customers behind its point."""

import msgspec
import pytest

from data_contracts.tables.customers import CUSTOMERS
from data_contracts.wire import Profile


def test_profile__fields__have_the_ranges_of_the_table():
    columns = {column.name: column for column in CUSTOMERS.columns}
    for field in msgspec.structs.fields(Profile):
        column = columns[field.name]
        for edge in (column.minimum, column.maximum):
            assert getattr(msgspec.convert({field.name: edge}, Profile), field.name) == edge
        for beyond in (column.minimum - 1.0, column.maximum + 1.0):
            with pytest.raises(msgspec.ValidationError, match=field.name):
                msgspec.convert({field.name: beyond}, Profile)


def test_profile__unknown_field__is_refused():
    with pytest.raises(msgspec.ValidationError, match="unknown field `colour`"):
        msgspec.convert({"colour": 1.0}, Profile)
