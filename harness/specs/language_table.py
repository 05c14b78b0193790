"""A table of languages in one YAML file: what `harness.languages` has of real ones, for others."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.languages import LanguageInfo, WordOrder
from harness.specs.base import LanguageCode, Name, Spec, Text


class LanguageRow(Spec):
    """A language of the table; the columns are those of `harness.languages`, the code stands before it."""

    tag: Text
    iso: str = Field(pattern=r"^[a-z]{3}$")
    name: Text
    script: str = Field(pattern=r"^[A-Z][a-z]{3}$")
    family: Text
    genus: Text
    word_order: WordOrder | None = None
    resources: Literal[0, 1, 2, 3, 4, 5] = 0
    direction: Literal["ltr", "rtl"] = "ltr"


class LanguageTable(Spec):
    """Languages that the built-in table does not have; `source` says where their properties are from."""

    name: Name
    version: Text
    title: str
    source: Text
    rows: dict[LanguageCode, LanguageRow] = Field(min_length=1)

    def infos(self) -> dict[str, LanguageInfo]:
        """Return the languages by code."""
        return {code: LanguageInfo(code=code, **row.model_dump()) for code, row in self.rows.items()}
