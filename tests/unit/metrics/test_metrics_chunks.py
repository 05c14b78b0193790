import numpy as np
import pytest

from harness.errors import ResultError
from harness.metrics.chunks import LegacyChunkF1, LegacyChunkPrecision, LegacyChunkRecall, chunks


def test_equal_neighbours_merge():
    assert chunks(["NOUN", "NOUN", "VERB"]) == {("NOUN", 0, 1), ("VERB", 2, 2)}


def test_tags_whose_first_letter_is_s_never_merge():
    assert chunks(["SYM", "SYM"]) == {("SYM", 0, 0), ("SYM", 1, 1)}
    assert chunks(["SCONJ", "SCONJ"]) == {("SCONJ", 0, 0), ("SCONJ", 1, 1)}


def test_inside_prefix_of_intj_merges_and_starts():
    assert chunks(["INTJ", "INTJ", "NOUN"]) == {("INTJ", 0, 1), ("NOUN", 2, 2)}


def test_cconj_is_not_sconj():
    assert not chunks(["CCONJ"]) & chunks(["SCONJ"])


def test_iob2():
    assert chunks(["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]) == {("PER", 0, 1), ("LOC", 3, 3), ("LOC", 4, 4)}


def test_outside_and_empty_sentences_have_no_chunks():
    assert chunks(["O", "O"]) == set()
    assert chunks([]) == set()


def test_counts_and_values():
    golds = [["DET", "NOUN", "NOUN"], ["O"]]
    outputs = [["DET", "NOUN", "VERB"], ["X"]]
    stats = LegacyChunkF1().per_example(golds, outputs, "en")
    assert stats.tolist() == [[1, 3, 2], [0, 1, 0]]
    sums = stats.sum(axis=0)
    assert LegacyChunkF1().value(sums) == pytest.approx(100 * 2 * 1 / 6)
    assert LegacyChunkPrecision().value(sums) == pytest.approx(25.0)
    assert LegacyChunkRecall().value(sums) == pytest.approx(50.0)


def test_nothing_found_and_nothing_to_find_is_zero():
    for metric in (LegacyChunkF1(), LegacyChunkPrecision(), LegacyChunkRecall()):
        assert metric.value(np.zeros(3)) == 0.0


def test_wrong_number_of_tags_names_the_example():
    with pytest.raises(ResultError, match=r"example 0 .*2 tags for 1 words"):
        LegacyChunkF1().per_example([["X"]], [["X", "X"]], "en")
