"""Letters of the generated words in several scripts: a fixed mapping, one letter to one character.

Words are made of the nineteen Latin letters below. The characters are those of real Unicode blocks; the
words are nobody's. In Devanagari vowels are written as the signs that follow a consonant.
"""

from __future__ import annotations

from harness.errors import SpecError, did_you_mean

ONSETS = "bdfgklmnprstvz"
VOWELS = "aeiou"
_LETTERS = {
    "Latn": ONSETS + VOWELS,
    "Cyrl": "бдфгклмнпрствз" + "аеиоу",
    "Grek": "βδφγκλμνπρστωζ" + "αειου",
    "Geor": "ბდფგკლმნპრსტვზ" + "აეიოუ",
    "Deva": "बदफगकलमनपरसतवज" + "ािेोु",
}
_TABLES = {script: str.maketrans(ONSETS + VOWELS, letters) for script, letters in _LETTERS.items()}


def write_in(script: str, word: str) -> str:
    """Return a word of the nineteen Latin letters in another script (ISO 15924).

    Raises:
        SpecError: there is no mapping to that script.
    """
    if script not in _TABLES:
        raise SpecError(
            f"{script!r} is not a script of the generated languages{did_you_mean(script, _TABLES)}; "
            f"there are {', '.join(_TABLES)}"
        )
    return word.translate(_TABLES[script])
