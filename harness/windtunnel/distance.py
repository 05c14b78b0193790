"""How far a generated language is from the source language: one number of its declared parameters.

This is the distance that the ladders are ordered by. It was fixed before anything was trained.
"""

from __future__ import annotations

from dataclasses import fields

from harness.windtunnel.languages import SOURCE, Language, Typology


def declared_distance(language: Language) -> float:
    """Return the mean of two shares, 0 to 1: of parameters that differ, and of words that are not shared.

    The parameters are the ten of `Typology`, word order and script among them, each with equal weight.
    The source language is 0 from itself; a language that differs in everything and shares no word is 1.
    """
    differing = len(language.typology.differing(SOURCE.typology)) / len(fields(Typology))
    return (differing + (100 - language.cognates) / 100) / 2
