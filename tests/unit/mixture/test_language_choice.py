"""Languages picked by typological distance, checked by hand on the table of languages.

Of English (Indo-European, Germanic, Latin, SVO) the table says: de and fr differ in one property of
four, ru and fi in two, hi and tr in three, ja in all.
"""

from __future__ import annotations

import pytest

from harness.errors import RequestError, SpecError
from harness.mixture.choosing import pick_languages, resolve_languages
from harness.specs.mixture import LanguageChoice
from harness.typology import distances_from

TAGS = {code: code for code in ("en", "tr", "ja", "fr", "hi", "de", "fi", "ru")}


def pick(tags=TAGS, **choice):
    return pick_languages(LanguageChoice.model_validate(choice), tags, where="task 't'")


def test_close_are_the_nearest_ties_by_alphabet():
    found = distances_from("en", TAGS)
    assert {c: found[c] for c in ("de", "fr", "ru", "fi", "hi", "tr", "ja")} == {
        "de": 0.25, "fr": 0.25, "ru": 0.5, "fi": 0.5, "hi": 0.75, "tr": 0.75, "ja": 1.0,
    }  # fmt: skip
    assert pick(close=1) == ("de",)
    assert pick(close=5) == ("de", "fr", "fi", "ru", "hi")


def test_diverse_is_greedy_max_min_from_the_origin():
    # ja is 1 from English. Of the rest hi and tr are 0.75 from both, and hi comes first in the alphabet;
    # then tr is 0.75 from all three; then fi and ru are 0.5 from English, their nearest.
    assert pick(diverse=4) == ("ja", "hi", "tr", "fi")
    assert pick(diverse=2) == ("ja", "hi")
    assert set(pick(diverse=7)) == set(TAGS) - {"en"}
    # From Russian: ja and tr are 1 away; then de, fi, hi and tr are 0.75 from the nearer of ru and ja.
    assert pick(diverse=2, origin="ru") == ("ja", "de")


def test_what_is_excluded_or_unknown_is_never_picked():
    assert pick(diverse=2, exclude=("ja", "hi")) == ("tr", "fi")
    assert pick(close=2, exclude=("de",)) == ("fr", "fi")
    assert pick({**TAGS, "qaa": "qaa"}, diverse=7) == pick(diverse=7)
    assert "en" not in pick(close=7)


def test_the_order_in_which_a_task_lists_its_languages_does_not_matter():
    turned = dict(reversed(TAGS.items()))
    assert pick(turned, diverse=5) == pick(diverse=5)
    assert pick(turned, close=5) == pick(close=5)


def test_too_many():
    with pytest.raises(SpecError) as raised:
        pick({"en": "en", "de": "de", "qaa": "qaa"}, diverse=2)
    assert str(raised.value) == (
        "task 't': 2 languages are to be picked, but the distance 'table' from 'en' is known of 1: de"
    )
    with pytest.raises(SpecError, match="known of 0: none"):
        pick({"en": "en"}, close=1)


def test_an_origin_or_a_distance_that_there_is_not():
    with pytest.raises(RequestError, match="task 't', languages: origin 'xx'"):
        pick(diverse=2, origin="xx")
    with pytest.raises(RequestError, match=r"there is no distance 'tabel'.*did you mean 'table'"):
        pick(diverse=2, distance="tabel")


def test_by_hand_and_all():
    assert resolve_languages("all", TAGS, where="t") == tuple(TAGS)
    assert resolve_languages(("tr", "de"), TAGS, where="t") == ("tr", "de")
    assert resolve_languages(LanguageChoice(close=1), TAGS, where="t") == ("de",)
    with pytest.raises(SpecError, match=r"^t: has no language 'dee' \(did you mean 'de'\?\); it has en, tr"):
        resolve_languages(("de", "dee"), TAGS, where="t")
