"""A value whose fields are set by expressions and constants."""

import pytest

from tests.drive import outputs_of

PRICE = {"title": "tea", "price": 4}


async def test_fields_are_set_by_expressions_and_constants(run_task):
    config = {"fields": {"net": "value['price'] * rate"}, "constants": {"unit": "EUR", "price": 0}}
    run = await run_task("data.transform", config, value=PRICE, named={"rate": 0.5})
    assert outputs_of(run)["result"] == {"title": "tea", "price": 0, "unit": "EUR", "net": 2.0}


async def test_only_the_fields_are_left_where_the_expression_gives_an_empty_mapping(run_task):
    config = {"expression": "{}", "fields": {"name": "value['title'].upper()"}}
    run = await run_task("data.transform", config, value=PRICE)
    assert outputs_of(run)["result"] == {"name": "TEA"}


async def test_without_settings_a_value_stays_what_it_is(run_task):
    assert outputs_of(await run_task("data.transform", value=PRICE))["result"] == PRICE


@pytest.mark.parametrize(
    ("config", "value", "said"),
    [
        ({"fields": {"a": "1"}}, [1], "Only a mapping takes fields; let the expression give one"),
        ({"fields": {"a": "1 / value['price']"}}, {"price": 0}, "Field 'a': The expression failed"),
        ({"fields": {"a": "value['no']"}}, PRICE, "Field 'a': The expression failed"),
    ],
)
async def test_what_cannot_be_set_gets_a_sentence(run_task, config, value, said):
    run = await run_task("data.transform", config, value=value)
    assert said in run.entries[-1].event.error.message


async def test_a_faulty_field_is_refused_when_it_is_drawn(run_task):
    with pytest.raises(ValueError, match="This is not an expression"):
        await run_task("data.transform", {"fields": {"a": "1 +"}}, value=1)
