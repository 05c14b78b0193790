"""Which examples every update is made of: exact shares, fair order, reproducible."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.specs.mixture import Sampling
from harness.training.schedule import apportion, make_schedule, pick_examples

SHARES = st.lists(st.floats(min_value=1e-3, max_value=1e3), min_size=1, max_size=8)


def numbers(start: int, count: int) -> np.ndarray:
    return np.arange(start, start + count, dtype=np.int64)


@given(st.integers(min_value=0, max_value=10_000), SHARES)
def test_parts_are_whole_and_within_one_of_their_share(total, shares):
    parts = apportion(total, shares)
    assert sum(parts) == total
    for part, share in zip(parts, shares, strict=True):
        assert part >= 0 and abs(part - total * share / sum(shares)) < 1 + 1e-9


def test_largest_remainders_by_hand():
    # Exact shares of 10: 1.43, 2.86, 5.71; the two left over go to the remainders .86 and .71.
    assert apportion(10, [1, 2, 4]) == [1, 3, 6]
    assert apportion(5, [1, 1, 1]) == [2, 2, 1]  # ties go to the first
    assert apportion(0, [3, 4]) == [0, 0]
    assert apportion(3, [0.0, 1.0]) == [0, 3]


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        ({"by": "uniform"}, [40, 40, 40]),
        ({"by": "proportional"}, [12, 36, 72]),  # 100 : 300 : 600
        ({"by": "temperature", "temperature": 2}, [23, 40, 57]),  # 10 : 17.32 : 24.49 of 120
        ({"by": "capped", "cap": 200}, [24, 48, 48]),  # 100 : 200 : 200
    ],
)
def test_updates_of_each_head(sampling, expected):
    sizes = (100, 300, 600)
    shares = Sampling.model_validate(sampling).shares(sizes)
    assert math.isclose(sum(shares), 1)
    sets = [[(share, numbers(0, size))] for share, size in zip(shares, sizes, strict=True)]
    schedule = make_schedule(sets, shares, steps=120, batch_size=4, seed=1)
    assert np.bincount(schedule.head_of).tolist() == expected
    assert schedule.slots.shape == (120, 4) and schedule.steps == 120


def test_examples_of_each_set_of_a_head():
    # Two heads; the first has three languages of unequal shares.
    languages = [(0.5, numbers(0, 7)), (0.3, numbers(7, 50)), (0.2, numbers(57, 3))]
    schedule = make_schedule(
        [languages, [(1.0, numbers(0, 5))]], [0.75, 0.25], steps=20, batch_size=10, seed=3
    )
    own = schedule.slots[schedule.head_of == 0]
    assert own.shape == (15, 10)
    counts = [int(((own >= a) & (own < b)).sum()) for a, b in ((0, 7), (7, 57), (57, 60))]
    assert counts == [75, 45, 30]
    # Mixed evenly over time: no batch is without the largest language.
    assert min(((own < 7).sum(axis=1)).tolist()) >= 3


@given(
    st.lists(st.integers(min_value=1, max_value=30), min_size=1, max_size=4),
    st.integers(min_value=1, max_value=12),
    st.integers(min_value=1, max_value=7),
    st.integers(min_value=0, max_value=2**31),
)
def test_nothing_comes_twice_before_all_else_came_once(sizes, steps, batch, seed):
    edges = np.cumsum([0, *sizes])
    sets = [(float(size), numbers(int(start), size)) for start, size in zip(edges[:-1], sizes, strict=True)]
    schedule = make_schedule([sets], [1.0], steps=steps, batch_size=batch, seed=seed)
    assert schedule.slots.shape == (steps, batch) and not schedule.head_of.any()
    flat = schedule.slots.ravel().tolist()
    expected = apportion(steps * batch, [float(size) for size in sizes])
    for start, size, count in zip(edges[:-1].tolist(), sizes, expected, strict=True):
        own = [i for i in flat if start <= i < start + size]
        assert len(own) == count
        for begin in range(0, count, size):
            part = own[begin : begin + size]
            assert len(set(part)) == len(part)
        assert max(Counter(own).values(), default=0) <= -(-count // size)


def test_a_second_pass_has_another_order():
    schedule = make_schedule([[(1.0, numbers(0, 40))]], [1.0], steps=8, batch_size=10, seed=1)
    flat = schedule.slots.ravel()
    assert sorted(flat[:40]) == sorted(flat[40:]) == list(range(40))
    assert flat[:40].tolist() != flat[40:].tolist()


def test_the_seed_decides():
    sets = [[(0.5, numbers(0, 40)), (0.5, numbers(40, 20))], [(1.0, numbers(0, 30))]]

    def make(seed):
        return make_schedule(sets, [0.6, 0.4], steps=30, batch_size=4, seed=seed)

    one, same, other = make(1), make(1), make(2)
    assert np.array_equal(one.head_of, same.head_of) and np.array_equal(one.slots, same.slots)
    assert not np.array_equal(one.head_of, other.head_of) and not np.array_equal(one.slots, other.slots)


def test_the_order_of_one_head_does_not_depend_on_the_others():
    alone = make_schedule([[(1.0, numbers(0, 40))]], [1.0], steps=10, batch_size=4, seed=1)
    both = make_schedule(
        [[(1.0, numbers(0, 40))], [(1.0, numbers(0, 9))]], [0.5, 0.5], steps=20, batch_size=4, seed=1
    )
    assert np.array_equal(both.slots[both.head_of == 0], alone.slots)


def test_a_schedule_of_nothing():
    for sets, steps in ([[[]], 3], [[[(1.0, numbers(0, 0))]], 3], [[[(1.0, numbers(0, 4))]], 0]):
        with pytest.raises(ValueError, match="something to train on"):
            make_schedule(sets, [1.0], steps=steps, batch_size=2, seed=1)


def test_even_parts_of_a_number_of_examples():
    sizes = {"de": 50, "fi": 9, "tr": 30}
    found = pick_examples(sizes, 25, task="t", seed=1)
    assert {code: len(each) for code, each in found.items()} == {"de": 9, "fi": 8, "tr": 8}
    for code, each in found.items():
        assert sorted(set(each.tolist())) == each.tolist() and 0 <= each[0] and each[-1] < sizes[code]
    assert {c: e.tolist() for c, e in pick_examples(sizes, 25, task="t", seed=1).items()} == {
        c: e.tolist() for c, e in found.items()
    }


def test_what_is_picked_of_a_language_depends_on_seed_task_and_language_alone():
    among_three = pick_examples({"de": 50, "fi": 40, "tr": 30}, 24, task="t", seed=1)["fi"]
    among_two = pick_examples({"fi": 40, "qu": 99}, 16, task="t", seed=1)["fi"]
    assert among_three.tolist() == among_two.tolist()
    # More examples are the same ones and others.
    assert set(among_two.tolist()) < set(pick_examples({"fi": 40}, 20, task="t", seed=1)["fi"].tolist())
    for changed in ({"task": "u", "seed": 1}, {"task": "t", "seed": 2}):
        assert pick_examples({"fi": 40}, 8, **changed)["fi"].tolist() != among_two.tolist()
    assert pick_examples({"sv": 40}, 8, task="t", seed=1)["sv"].tolist() != among_two.tolist()


def test_too_few_examples_names_every_language():
    with pytest.raises(
        ValueError, match=r"30 examples over 3 languages are 10 of each, but fi has 9, tr has 2$"
    ):
        pick_examples({"de": 50, "fi": 9, "tr": 2}, 30, task="t", seed=1)
