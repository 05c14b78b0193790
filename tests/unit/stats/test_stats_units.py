import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness.records import Cell
from harness.stats.units import join_units


def cell(language, rows, task="t"):
    """Make a cell of rows (example id, parallel id, cluster id)."""
    examples, parallels, clusters = zip(*rows, strict=True)
    return Cell(task, language, (1,), examples, parallels, clusters, ("",) * len(rows), {})


def named(cells):
    """Return the unit key of every row, cell by cell."""
    units = join_units(cells)
    return [[json.loads(units.keys[u]) for u in of] for of in units.of]


def test_rows_without_ids_are_alone():
    assert named([cell("de", [("0", None, None), ("1", None, None)])]) == [[[2, "de", "0"], [2, "de", "1"]]]


def test_parallel_ids_join_languages():
    en = cell("en", [("0", "p0", None), ("1", "p1", None)])
    de = cell("de", [("0", "p1", None), ("1", "p2", None)])
    assert named([en, de]) == [[[0, "p0"], [0, "p1"]], [[0, "p1"], [0, "p2"]]]


def test_clusters_join_within_one_language_only():
    rows = [("0", None, "a"), ("1", None, "a"), ("2", None, "b")]
    units = join_units([cell("de", rows), cell("fr", rows)])
    assert units.of[0].tolist() == [0, 0, 1]
    assert units.of[1].tolist() == [2, 2, 3]
    assert json.loads(units.keys[2]) == [1, "fr", "a"]


def test_chains_of_both_make_one_unit():
    # The article has another id in each language; q2 is missing in German.
    en = cell("en", [("0", "q1", "A"), ("1", "q2", "A"), ("2", "q3", "B")])
    de = cell("de", [("0", "q1", "X"), ("1", "q3", "Y"), ("2", "q4", "X")])
    units = join_units([en, de])
    assert [of.tolist() for of in units.of] == [[0, 0, 1], [0, 1, 0]]
    assert [json.loads(k) for k in units.keys] == [[0, "q1"], [0, "q3"]]


def test_two_tasks_on_the_same_texts_share_units():
    units = join_units(
        [cell("en", [("0", "q1", "A")], "xquad"), cell("en", [("7", "q9", "A"), ("8", "q5", "B")], "lareqa")]
    )
    assert [of.tolist() for of in units.of] == [[0], [0, 1]]


def test_kinds_of_ids_are_never_confused():
    rows = [("x", None, None), ("1", "x", None), ("2", None, "x")]
    assert len(join_units([cell("x", rows)]).keys) == 3


IDS = st.none() | st.sampled_from("abcdefgh")


@st.composite
def cells(draw):
    made = []
    for language in draw(st.lists(st.sampled_from(["en", "de", "fr", "th"]), min_size=1, unique=True)):
        ids = draw(st.lists(st.tuples(IDS, IDS), min_size=1, max_size=12))
        made.append(cell(language, [(str(i), p, c) for i, (p, c) in enumerate(ids)]))
    return made


@given(cells())
def test_units_are_the_connected_components(made):
    """Against a slow closure: merge sets of rows until none overlap."""
    groups = []
    for c, one in enumerate(made):
        for i, (p, k) in enumerate(zip(one.parallel_ids, one.cluster_ids, strict=True)):
            marks = {("p", p)} if p is not None else set()
            marks |= {("c", one.language, k)} if k is not None else set()
            rows = {(c, i)}
            for group in [g for g in groups if g[1] & marks]:
                groups.remove(group)
                rows |= group[0]
                marks |= group[1]
            groups.append((rows, marks))
    units = join_units(made)
    seen = {}
    for c, of in enumerate(units.of):
        for i, u in enumerate(of):
            seen.setdefault(int(u), set()).add((c, i))
    assert sorted(map(sorted, seen.values())) == sorted(sorted(g[0]) for g in groups)
    assert len(set(units.keys)) == len(units.keys) == len(groups)


@given(cells(), st.randoms(use_true_random=False))
def test_keys_do_not_depend_on_the_order_of_cells_and_rows(made, random):
    orders = [random.sample(range(len(c.example_ids)), len(c.example_ids)) for c in made]
    mixed = [
        cell(c.language, [(c.example_ids[i], c.parallel_ids[i], c.cluster_ids[i]) for i in order])
        for c, order in zip(made, orders, strict=True)
    ]
    before, after = named(made), named(mixed[::-1])[::-1]
    assert after == [[keys[i] for i in order] for keys, order in zip(before, orders, strict=True)]


def test_adding_a_language_keeps_the_keys_of_parallel_rows():
    de = cell("de", [("0", "p5", None), ("1", None, "A"), ("2", None, None)])
    fr = cell("fr", [("0", "p1", None), ("1", None, "A"), ("2", None, None)])
    assert named([de]) == named([fr, de])[1:]
    assert np.array_equal(join_units([de]).of[0], [0, 1, 2])
