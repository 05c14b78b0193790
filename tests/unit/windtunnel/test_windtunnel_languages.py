"""The declared languages, their distance, and the table by which the rest of the harness knows them."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from harness.errors import SpecError
from harness.languages import LANGUAGES as REVIEWED
from harness.mixture.choosing import pick_languages
from harness.specfiles.catalog import load_intermediates, load_language_tables, load_suite, load_tasks
from harness.specfiles.language_tables import known_languages
from harness.specs.mixture import LanguageChoice
from harness.windtunnel.distance import declared_distance
from harness.windtunnel.families import table_rows
from harness.windtunnel.languages import (
    EQUAL_WORDS,
    LADDER,
    LANGUAGES,
    SOURCE,
    TESTED,
    TRAINED,
    TRAINING,
    Typology,
)
from harness.windtunnel.scripts import write_in


def test_the_distance_is_the_mean_of_two_shares() -> None:
    assert declared_distance(SOURCE) == 0
    half = replace(SOURCE, cognates=40)
    assert declared_distance(half) == pytest.approx(0.3)
    assert declared_distance(replace(half, typology=Typology(order="SOV", case="suffix"))) == pytest.approx(
        0.4
    )
    assert len(fields(Typology)) == 10
    declared = {code: round(declared_distance(language), 4) for code, language in LANGUAGES.items()}
    assert declared == {
        "qsa": 0, "qla": 0.1, "qlb": 0.2, "qlc": 0.3, "qld": 0.4, "qle": 0.5, "qlf": 0.6, "qlg": 0.775,
        "qlh": 0.95, "qoa": 0.2, "qob": 0.3, "qoc": 0.5, "qod": 0.65, "qta": 0.125, "qtb": 0.2, "qtc": 0.2,
        "qtd": 0.625, "qte": 0.65, "qtf": 0.8,
    }  # fmt: skip


def test_the_ladders_rise_and_one_holds_words_and_script() -> None:
    for ladder in (LADDER, EQUAL_WORDS):
        distances = [declared_distance(language) for language in ladder]
        assert distances == sorted(set(distances))
    assert [language.cognates for language in LADDER] == sorted(
        (lang.cognates for lang in LADDER), reverse=True
    )
    equal = [*EQUAL_WORDS, LANGUAGES["qld"]]
    assert {(lang.cognates, lang.typology.script) for lang in equal} == {(60, "Latn")}
    assert not any(language.shifts for language in TESTED)
    assert len(LADDER) >= 8
    assert not set(TESTED) & set(TRAINING)
    assert all("qaa" <= code <= "qtz" for code in LANGUAGES)


def test_the_table_says_what_is_declared() -> None:
    (table,) = load_language_tables(["windtunnel"])
    assert table.spec.infos() == table_rows()
    known = known_languages()
    assert set(known) == {*REVIEWED, *LANGUAGES}
    assert all(known[code] is REVIEWED[code] for code in REVIEWED)


def test_close_and_diverse_languages_to_train_on_are_those_meant() -> None:
    tags = {language.code: language.code for language in TRAINED}
    close = pick_languages(LanguageChoice(close=3, origin="qsa"), tags, where="t")
    diverse = pick_languages(LanguageChoice(diverse=3, origin="qsa"), tags, where="t")
    assert close == ("qta", "qtb", "qtc")
    assert diverse == ("qtd", "qte", "qtf")


def test_no_target_tests_a_language_that_is_trained_on() -> None:
    names = list(load_suite("windtunnel").spec.tasks)
    tested = {code for t in load_tasks(names) for code in t.spec.languages}
    assert tested == {language.code for language in TESTED}
    for task in load_intermediates(["wt-nli-translated", "wt-pos-train"]):
        assert set(task.spec.languages) & tested == {"qsa"}
    (text,) = load_intermediates(["wt-text"])
    assert set(text.spec.languages) == set(LANGUAGES)


def test_every_rung_is_in_the_suites() -> None:
    main, equal = load_suite("windtunnel").spec, load_suite("windtunnel-equal-words").spec
    for name, entry in main.tasks.items():
        paired = name in ("wt-bitext", "wt-mining")
        rungs = [language.code for language in LADDER]
        assert list(entry.languages or ()) == [*([] if paired else ["qsa"]), *rungs]
        assert set(equal.tasks[name].languages or ()) - {"qsa"} == {"qoa", "qob", "qld", "qoc", "qod"}


def test_an_unknown_script() -> None:
    with pytest.raises(SpecError, match=r"'Latin' is not a script.*there are Latn, Cyrl"):
        write_in("Latin", "bado")
