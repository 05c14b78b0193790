"""The languages of the benchmarks: tag, name, script, family and direction, reviewed by hand.

Sources: BCP 47 subtags as in the IANA Language Subtag Registry; scripts as in ISO 15924, the one that
the benchmarks' texts are written in; families as the top-level families of Glottolog (Haitian Creole
stands under Indo-European there, by way of French). Chinese texts mix simplified and traditional
characters between tasks, so the script here is `Hani`; a task that is known to use one of them says so
in its own tag (`zh-Hans`). `qu` is the macrolanguage; XCOPA's own tag is `qve`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.errors import SpecError, did_you_mean


@dataclass(frozen=True, slots=True)
class LanguageInfo:
    """A language by the code that XTREME and XTREME-R use for it."""

    code: str
    tag: str
    name: str
    script: str
    family: str
    direction: Literal["ltr", "rtl"] = "ltr"


# Written as strings throughout: YAML and CSV readers take some codes for truth values.
_ROWS: tuple[LanguageInfo, ...] = (
    LanguageInfo("af", "af", "Afrikaans", "Latn", "Indo-European"),
    LanguageInfo("ar", "ar", "Arabic", "Arab", "Afro-Asiatic", "rtl"),
    LanguageInfo("az", "az", "Azerbaijani", "Latn", "Turkic"),
    LanguageInfo("bg", "bg", "Bulgarian", "Cyrl", "Indo-European"),
    LanguageInfo("bn", "bn", "Bengali", "Beng", "Indo-European"),
    LanguageInfo("de", "de", "German", "Latn", "Indo-European"),
    LanguageInfo("el", "el", "Greek", "Grek", "Indo-European"),
    LanguageInfo("en", "en", "English", "Latn", "Indo-European"),
    LanguageInfo("es", "es", "Spanish", "Latn", "Indo-European"),
    LanguageInfo("et", "et", "Estonian", "Latn", "Uralic"),
    LanguageInfo("eu", "eu", "Basque", "Latn", "Basque (isolate)"),
    LanguageInfo("fa", "fa", "Persian", "Arab", "Indo-European", "rtl"),
    LanguageInfo("fi", "fi", "Finnish", "Latn", "Uralic"),
    LanguageInfo("fr", "fr", "French", "Latn", "Indo-European"),
    LanguageInfo("gu", "gu", "Gujarati", "Gujr", "Indo-European"),
    LanguageInfo("he", "he", "Hebrew", "Hebr", "Afro-Asiatic", "rtl"),
    LanguageInfo("hi", "hi", "Hindi", "Deva", "Indo-European"),
    LanguageInfo("ht", "ht", "Haitian Creole", "Latn", "Indo-European"),
    LanguageInfo("hu", "hu", "Hungarian", "Latn", "Uralic"),
    LanguageInfo("id", "id", "Indonesian", "Latn", "Austronesian"),
    LanguageInfo("it", "it", "Italian", "Latn", "Indo-European"),
    LanguageInfo("ja", "ja", "Japanese", "Jpan", "Japonic"),
    LanguageInfo("jv", "jv", "Javanese", "Latn", "Austronesian"),
    LanguageInfo("ka", "ka", "Georgian", "Geor", "Kartvelian"),
    LanguageInfo("kk", "kk", "Kazakh", "Cyrl", "Turkic"),
    LanguageInfo("ko", "ko", "Korean", "Kore", "Koreanic"),
    LanguageInfo("lt", "lt", "Lithuanian", "Latn", "Indo-European"),
    LanguageInfo("ml", "ml", "Malayalam", "Mlym", "Dravidian"),
    LanguageInfo("mr", "mr", "Marathi", "Deva", "Indo-European"),
    LanguageInfo("ms", "ms", "Malay", "Latn", "Austronesian"),
    LanguageInfo("my", "my", "Burmese", "Mymr", "Sino-Tibetan"),
    LanguageInfo("nl", "nl", "Dutch", "Latn", "Indo-European"),
    LanguageInfo("pa", "pa", "Punjabi", "Guru", "Indo-European"),
    LanguageInfo("pl", "pl", "Polish", "Latn", "Indo-European"),
    LanguageInfo("pt", "pt", "Portuguese", "Latn", "Indo-European"),
    LanguageInfo("qu", "qu", "Quechua", "Latn", "Quechuan"),
    LanguageInfo("ro", "ro", "Romanian", "Latn", "Indo-European"),
    LanguageInfo("ru", "ru", "Russian", "Cyrl", "Indo-European"),
    LanguageInfo("sw", "sw", "Swahili", "Latn", "Atlantic-Congo"),
    LanguageInfo("ta", "ta", "Tamil", "Taml", "Dravidian"),
    LanguageInfo("te", "te", "Telugu", "Telu", "Dravidian"),
    LanguageInfo("th", "th", "Thai", "Thai", "Tai-Kadai"),
    LanguageInfo("tl", "tl", "Tagalog", "Latn", "Austronesian"),
    LanguageInfo("tr", "tr", "Turkish", "Latn", "Turkic"),
    LanguageInfo("uk", "uk", "Ukrainian", "Cyrl", "Indo-European"),
    LanguageInfo("ur", "ur", "Urdu", "Arab", "Indo-European", "rtl"),
    LanguageInfo("vi", "vi", "Vietnamese", "Latn", "Austroasiatic"),
    LanguageInfo("wo", "wo", "Wolof", "Latn", "Atlantic-Congo"),
    LanguageInfo("yo", "yo", "Yoruba", "Latn", "Atlantic-Congo"),
    LanguageInfo("zh", "zh", "Chinese", "Hani", "Sino-Tibetan"),
)
LANGUAGES: dict[str, LanguageInfo] = {row.code: row for row in _ROWS}


def language(code: str) -> LanguageInfo:
    """Return what is known of a language by its benchmark code.

    Raises:
        SpecError: the code is not in the table.
    """
    if code not in LANGUAGES:
        raise SpecError(
            f"{code!r} is not a language of the table{did_you_mean(code, LANGUAGES)}; "
            f"it has {', '.join(LANGUAGES)}"
        )
    return LANGUAGES[code]
