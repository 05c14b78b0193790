"""The generated languages, each a handful of declared parameters; none of them is anyone's language.

Codes are from the range that ISO 639-3 leaves to private use. `qsa` is the source language. `qla` to `qlh`
are the ladder: from rung to rung more parameters differ from the source and fewer words are its own. `qoa` to
`qod` are, with `qld`, the ladder of equal words: the cognate rate is 60 throughout and the script the
source's, while the other parameters move away. `qta` to `qtf` are no test languages: intermediate tasks train
on them, three close to the source and three far from it and from each other.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

Side = Literal["before", "after"]
Order = Literal["SVO", "SOV", "VSO", "VOS", "OVS", "OSV"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typology:
    """How a language builds sentences; the defaults are the source language's.

    `adjective`, `numeral` and `genitive` (the owner) stand before or after their noun, an `adposition` before
    or after its noun phrase. `obliques` (time and place) open the sentence or close it. `questions`: the
    question word comes first, or stands where the answer would. `case`: objects and owners have a suffix;
    without it an owner has a linking word. `morphology`: number, tense and negation are words of their own
    or suffixes.
    """

    order: Order = "SVO"
    adjective: Side = "before"
    adposition: Side = "before"
    genitive: Side = "after"
    numeral: Side = "before"
    obliques: Literal["first", "last"] = "last"
    questions: Literal["first", "in place"] = "first"
    case: Literal["none", "suffix"] = "none"
    morphology: Literal["isolating", "agglutinative"] = "isolating"
    script: str = "Latn"

    def differing(self, other: Typology) -> tuple[str, ...]:
        """Return the names of the parameters in which two languages differ, in the order above."""
        names = (field.name for field in fields(self))
        return tuple(name for name in names if getattr(self, name) != getattr(other, name))


@dataclass(frozen=True, slots=True)
class Language:
    """A language: its code, its name, the percentage of its words that are the source's, its typology.

    `shifts` are regular sound changes of these shared words, as pairs of letters (p to f); letters
    change all at once, and no two of them to one.
    """

    code: str
    name: str
    cognates: int
    typology: Typology
    shifts: tuple[tuple[str, str], ...] = ()


SOURCE = Language("qsa", "Sarane", 100, Typology())

LADDER = (
    Language("qla", "Larani", 90, Typology(adjective="after")),
    Language("qlb", "Lebori", 80, Typology(adjective="after", numeral="after")),
    Language(
        "qlc", "Limeso", 70, Typology(adjective="after", morphology="agglutinative", questions="in place")
    ),
    Language(
        "qld",
        "Lodugo",
        60,
        Typology(order="VSO", adjective="after", numeral="after", morphology="agglutinative"),
    ),
    Language(
        "qle",
        "Luvesa",
        50,
        Typology(
            order="SOV",
            adposition="after",
            genitive="before",
            obliques="first",
            morphology="agglutinative",
        ),
    ),
    Language(
        "qlf",
        "Lakotu",
        40,
        Typology(
            order="SOV",
            adposition="after",
            obliques="first",
            case="suffix",
            morphology="agglutinative",
            script="Cyrl",
        ),
    ),
    Language(
        "qlg",
        "Legazi",
        25,
        Typology(
            order="VOS",
            adjective="after",
            numeral="after",
            obliques="first",
            questions="in place",
            case="suffix",
            morphology="agglutinative",
            script="Geor",
        ),
    ),
    Language(
        "qlh",
        "Lidepu",
        10,
        Typology(
            order="SOV",
            adjective="after",
            adposition="after",
            genitive="before",
            numeral="after",
            obliques="first",
            questions="in place",
            case="suffix",
            morphology="agglutinative",
            script="Deva",
        ),
    ),
)

EQUAL_WORDS = (
    Language("qoa", "Orani", 60, Typology()),
    Language("qob", "Obeso", 60, Typology(adjective="after", questions="in place")),
    Language(
        "qoc",
        "Odiga",
        60,
        Typology(
            order="SOV",
            adposition="after",
            genitive="before",
            obliques="first",
            case="suffix",
            morphology="agglutinative",
        ),
    ),
    Language(
        "qod",
        "Ovutu",
        60,
        Typology(
            order="VOS",
            adjective="after",
            adposition="after",
            genitive="before",
            numeral="after",
            obliques="first",
            questions="in place",
            case="suffix",
            morphology="agglutinative",
        ),
    ),
)

TRAINING = (
    Language("qta", "Tarine", 85, Typology(numeral="after")),
    Language("qtb", "Teboli", 80, Typology(genitive="before", questions="in place")),
    Language(
        "qtc",
        "Timasu",
        80,
        Typology(adjective="after", obliques="first"),
        shifts=(("p", "b"), ("b", "v"), ("v", "p")),
    ),
    Language(
        "qtd",
        "Todeka",
        45,
        Typology(
            order="SOV",
            adposition="after",
            genitive="before",
            obliques="first",
            questions="in place",
            morphology="agglutinative",
            script="Cyrl",
        ),
    ),
    Language(
        "qte",
        "Tuvige",
        30,
        Typology(
            order="VSO",
            adjective="after",
            numeral="after",
            case="suffix",
            questions="in place",
            script="Grek",
        ),
        shifts=(("t", "d"), ("d", "z"), ("z", "t")),
    ),
    Language(
        "qtf",
        "Tarosa",
        20,
        Typology(
            order="VOS",
            adjective="after",
            adposition="after",
            genitive="before",
            obliques="first",
            case="suffix",
            morphology="agglutinative",
            script="Geor",
        ),
    ),
)

TESTED = (SOURCE, *LADDER, *EQUAL_WORDS)
TRAINED = (SOURCE, *TRAINING)
LANGUAGES = {language.code: language for language in (*TESTED, *TRAINING)}
