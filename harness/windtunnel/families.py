"""The generated languages as rows of a table of languages: what comparisons and mixtures know of them."""

from __future__ import annotations

from harness.languages import LanguageInfo
from harness.windtunnel.languages import LANGUAGES, SOURCE, Language

FAMILY_FROM, GENUS_FROM = 50, 80  # cognates in percent


def table_rows() -> dict[str, LanguageInfo]:
    """Return the row of every language by code.

    A language is of the source's family from 50% shared words on, of its genus from 80% on; else it has a
    family, or a genus, of its own. There are no resources (class 0): none of them is written anywhere.
    """
    return {code: _row(language) for code, language in LANGUAGES.items()}


def _row(language: Language) -> LanguageInfo:
    return LanguageInfo(
        code=language.code,
        tag=language.code,
        iso=language.code,
        name=language.name,
        script=language.typology.script,
        family=SOURCE.name if language.cognates >= FAMILY_FROM else language.name,
        genus=SOURCE.name if language.cognates >= GENUS_FROM else language.name,
        word_order=language.typology.order,
        resources=0,
    )
