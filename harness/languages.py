"""The languages of the benchmarks: names, script, family, word order and resources, reviewed by hand.

Sources, column by column:

- `tag`: BCP 47 subtags as in the IANA Language Subtag Registry; `iso`: the ISO 639-3 code that belongs
  to it, a macrolanguage's where the tag is one. `qu` is such a macrolanguage; XCOPA's own tag is `qve`.
- `script`: ISO 15924, the one that the benchmarks' texts are written in. Chinese texts mix simplified
  and traditional characters between tasks, so it is `Hani` here; a task that is known to use one of
  them says so in its own tag (`zh-Hans`).
- `family`: the top-level families of Glottolog (Hammarström et al.). Haitian Creole stands under
  Indo-European there, by way of French. This is the family that "one point per family" means.
- `genus`: the World Atlas of Language Structures, WALS v2020.4 (Dryer & Haspelmath 2013), which has no
  genus for Haitian Creole but its group of creoles. Azerbaijani and Bengali were read in an earlier
  version of WALS; Portuguese, Romanian and Urdu in the language list of Universal Dependencies, which
  names branches as WALS does. WALS has no Malay: it stands with Indonesian, with which Glottolog
  puts it into one subgroup.
- `word_order`: WALS feature 81A (Dryer 2013), `none` for its "No dominant order" (German and Dutch: SOV
  or SVO; Hungarian likewise; Greek: SVO or VSO). Read from the WALS layer of URIEL (Littell et al.
  2017, as shipped by urielplus 1.3.2). Haitian Creole, Javanese and Kazakh are not in WALS 81A: theirs
  is Ethnologue's, from the same files. Neither has Afrikaans: None, that is unknown.
- `resources`: the class of Joshi et al. (2020), "The State and Fate of Linguistic Diversity and
  Inclusion in the NLP World", from their published list: 5 the winners, 4 the underdogs, 3 the rising
  stars, 2 the hopefuls, 1 the scraping-bys, 0 the left-behinds. `zh` is their Mandarin, `pa` their
  Eastern Punjabi, `ht` their Haitian.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.errors import SpecError, did_you_mean

# The values of WALS feature 81A.
WordOrder = Literal["SVO", "SOV", "VSO", "VOS", "OVS", "OSV", "none"]


@dataclass(frozen=True, slots=True)
class LanguageInfo:
    """A language by the code that XTREME and XTREME-R use for it.

    `word_order`: the dominant order of subject, object and verb; `none` where none dominates, None
    where no source has it. `resources`: 0 (hardly any data) to 5.
    """

    code: str
    tag: str
    iso: str
    name: str
    script: str
    family: str
    genus: str
    word_order: WordOrder | None
    resources: Literal[0, 1, 2, 3, 4, 5]
    direction: Literal["ltr", "rtl"] = "ltr"


# Written as strings throughout: YAML and CSV readers take some codes for truth values.
_ROWS: tuple[LanguageInfo, ...] = (
    LanguageInfo("af", "af", "afr", "Afrikaans", "Latn", "Indo-European", "Germanic", None, 3),
    LanguageInfo("ar", "ar", "ara", "Arabic", "Arab", "Afro-Asiatic", "Semitic", "VSO", 5, "rtl"),
    LanguageInfo("az", "az", "aze", "Azerbaijani", "Latn", "Turkic", "Turkic", "SOV", 1),
    LanguageInfo("bg", "bg", "bul", "Bulgarian", "Cyrl", "Indo-European", "Slavic", "SVO", 3),
    LanguageInfo("bn", "bn", "ben", "Bengali", "Beng", "Indo-European", "Indic", "SOV", 3),
    LanguageInfo("de", "de", "deu", "German", "Latn", "Indo-European", "Germanic", "none", 5),
    LanguageInfo("el", "el", "ell", "Greek", "Grek", "Indo-European", "Greek", "none", 3),
    LanguageInfo("en", "en", "eng", "English", "Latn", "Indo-European", "Germanic", "SVO", 5),
    LanguageInfo("es", "es", "spa", "Spanish", "Latn", "Indo-European", "Romance", "SVO", 5),
    LanguageInfo("et", "et", "est", "Estonian", "Latn", "Uralic", "Finnic", "SVO", 3),
    LanguageInfo("eu", "eu", "eus", "Basque", "Latn", "Basque (isolate)", "Basque", "SOV", 4),
    LanguageInfo("fa", "fa", "fas", "Persian", "Arab", "Indo-European", "Iranian", "SOV", 4, "rtl"),
    LanguageInfo("fi", "fi", "fin", "Finnish", "Latn", "Uralic", "Finnic", "SVO", 4),
    LanguageInfo("fr", "fr", "fra", "French", "Latn", "Indo-European", "Romance", "SVO", 5),
    LanguageInfo("gu", "gu", "guj", "Gujarati", "Gujr", "Indo-European", "Indic", "SOV", 1),
    LanguageInfo("he", "he", "heb", "Hebrew", "Hebr", "Afro-Asiatic", "Semitic", "SVO", 3, "rtl"),
    LanguageInfo("hi", "hi", "hin", "Hindi", "Deva", "Indo-European", "Indic", "SOV", 4),
    LanguageInfo(
        "ht", "ht", "hat", "Haitian Creole", "Latn", "Indo-European", "Creoles and Pidgins", "SVO", 2
    ),
    LanguageInfo("hu", "hu", "hun", "Hungarian", "Latn", "Uralic", "Ugric", "none", 4),
    LanguageInfo("id", "id", "ind", "Indonesian", "Latn", "Austronesian", "Malayo-Sumbawan", "SVO", 3),
    LanguageInfo("it", "it", "ita", "Italian", "Latn", "Indo-European", "Romance", "SVO", 4),
    LanguageInfo("ja", "ja", "jpn", "Japanese", "Jpan", "Japonic", "Japanese", "SOV", 5),
    LanguageInfo("jv", "jv", "jav", "Javanese", "Latn", "Austronesian", "Javanese", "SVO", 1),
    LanguageInfo("ka", "ka", "kat", "Georgian", "Geor", "Kartvelian", "Kartvelian", "SOV", 3),
    LanguageInfo("kk", "kk", "kaz", "Kazakh", "Cyrl", "Turkic", "Turkic", "SOV", 3),
    LanguageInfo("ko", "ko", "kor", "Korean", "Kore", "Koreanic", "Korean", "SOV", 4),
    LanguageInfo("lt", "lt", "lit", "Lithuanian", "Latn", "Indo-European", "Baltic", "SVO", 3),
    LanguageInfo("ml", "ml", "mal", "Malayalam", "Mlym", "Dravidian", "Dravidian", "SOV", 1),
    LanguageInfo("mr", "mr", "mar", "Marathi", "Deva", "Indo-European", "Indic", "SOV", 2),
    LanguageInfo("ms", "ms", "msa", "Malay", "Latn", "Austronesian", "Malayo-Sumbawan", "SVO", 3),
    LanguageInfo("my", "my", "mya", "Burmese", "Mymr", "Sino-Tibetan", "Burmese-Lolo", "SOV", 1),
    LanguageInfo("nl", "nl", "nld", "Dutch", "Latn", "Indo-European", "Germanic", "none", 4),
    LanguageInfo("pa", "pa", "pan", "Punjabi", "Guru", "Indo-European", "Indic", "SOV", 2),
    LanguageInfo("pl", "pl", "pol", "Polish", "Latn", "Indo-European", "Slavic", "SVO", 4),
    LanguageInfo("pt", "pt", "por", "Portuguese", "Latn", "Indo-European", "Romance", "SVO", 4),
    LanguageInfo("qu", "qu", "que", "Quechua", "Latn", "Quechuan", "Quechuan", "SOV", 1),
    LanguageInfo("ro", "ro", "ron", "Romanian", "Latn", "Indo-European", "Romance", "SVO", 3),
    LanguageInfo("ru", "ru", "rus", "Russian", "Cyrl", "Indo-European", "Slavic", "SVO", 4),
    LanguageInfo("sw", "sw", "swa", "Swahili", "Latn", "Atlantic-Congo", "Bantu", "SVO", 2),
    LanguageInfo("ta", "ta", "tam", "Tamil", "Taml", "Dravidian", "Dravidian", "SOV", 3),
    LanguageInfo("te", "te", "tel", "Telugu", "Telu", "Dravidian", "Dravidian", "SOV", 1),
    LanguageInfo("th", "th", "tha", "Thai", "Thai", "Tai-Kadai", "Kam-Tai", "SVO", 3),
    LanguageInfo(
        "tl", "tl", "tgl", "Tagalog", "Latn", "Austronesian", "Greater Central Philippine", "VSO", 3
    ),
    LanguageInfo("tr", "tr", "tur", "Turkish", "Latn", "Turkic", "Turkic", "SOV", 4),
    LanguageInfo("uk", "uk", "ukr", "Ukrainian", "Cyrl", "Indo-European", "Slavic", "SVO", 3),
    LanguageInfo("ur", "ur", "urd", "Urdu", "Arab", "Indo-European", "Indic", "SOV", 3, "rtl"),
    LanguageInfo("vi", "vi", "vie", "Vietnamese", "Latn", "Austroasiatic", "Vietic", "SVO", 4),
    LanguageInfo("wo", "wo", "wol", "Wolof", "Latn", "Atlantic-Congo", "Wolof", "SVO", 2),
    LanguageInfo("yo", "yo", "yor", "Yoruba", "Latn", "Atlantic-Congo", "Defoid", "SVO", 2),
    LanguageInfo("zh", "zh", "zho", "Chinese", "Hani", "Sino-Tibetan", "Chinese", "SVO", 5),
)
LANGUAGES: dict[str, LanguageInfo] = {row.code: row for row in _ROWS}
# Individual languages that benchmarks mean by the tag of their macrolanguage.
# Source: IANA Language Subtag Registry, field Macrolanguage.
_MACROLANGUAGE = {
    "arb": "ar",
    "azj": "az",
    "cmn": "zh",
    "ekk": "et",
    "pes": "fa",
    "qve": "qu",
    "swh": "sw",
    "zsm": "ms",
}
_BY_ISO = {row.iso: row.tag for row in _ROWS}


def language_of(tag: str) -> str:
    """Return what the tags of one language have in common, whatever its script, region or kind of code.

    The primary subtag in lower case: `zh` of `zh-Hans`, of `zho` and of `cmn`.
    """
    primary = tag.partition("-")[0].lower()
    return _MACROLANGUAGE.get(primary, _BY_ISO.get(primary, primary))


def language(code: str, table: Mapping[str, LanguageInfo] = LANGUAGES) -> LanguageInfo:
    """Return what is known of a language by its benchmark code; `table` may be one with further languages.

    Raises:
        SpecError: the code is not in the table.
    """
    if code not in table:
        raise SpecError(
            f"{code!r} is not a language of the table{did_you_mean(code, table)}; it has {', '.join(table)}"
        )
    return table[code]
