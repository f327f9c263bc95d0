"""The soak's judge sees what grows, and forgives what only moves."""

import pytest

from tests.durability.soak import ENOUGH, SAMPLE_SECONDS, WARM_UP, Sample, growth

COUNT = WARM_UP + ENOUGH


def samples(**grows):
    """Give samples of one life; `grows` says by how much per sample, from what it has."""
    steady = {"resident": 80 << 20, "files": 15, "threads": 5, "tasks": 7}
    return [
        Sample(
            at=number * SAMPLE_SECONDS,
            life="life-1",
            runs=number,
            database=number << 10,
            **{name: int(has + grows.get(name, 0) * number) for name, has in steady.items()},
        )
        for number in range(COUNT)
    ]


def test_steady_work_is_no_growth():
    assert growth(samples()) == []


@pytest.mark.parametrize(
    ("name", "by", "sentence"),
    [
        ("resident", 4 << 10, "MB an hour"),
        ("files", 0.1, "files, and later never below"),
        ("threads", 0.1, "threads"),
        ("tasks", 0.1, "tasks"),
    ],
)
def test_what_grows_is_named(name, by, sentence):
    (found,) = growth(samples(**{name: by}))
    assert sentence in found


def test_a_megabyte_an_hour_is_forgiven():
    """T22: at the limit, and above it."""
    a_sample = (1 << 20) * SAMPLE_SECONDS / 3600
    assert growth(samples(resident=a_sample * 0.99)) == []
    assert len(growth(samples(resident=a_sample * 1.01))) == 1


def test_a_short_life_is_not_judged():
    assert growth(samples(files=1)[: COUNT - 1]) == []
