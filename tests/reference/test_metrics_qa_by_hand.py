"""SQuAD's and MLQA's rules against values worked out by hand, language by language.

The rules are those of facebookresearch/MLQA (mlqa_evaluation_v1.py) and of SQuAD v1.1 (XQuAD and
TyDiQA-GoldP, and so Thai). F1 = 2 common / (gold tokens + given tokens).
"""

import pytest

from harness.metrics.mlqa import MlqaExactMatch, MlqaF1
from harness.metrics.squad import SquadExactMatch, SquadF1

MLQA = [
    # Arabic. The article goes wherever its two letters stand: [كتاب جديد] on both sides.
    ("ar", "الكتاب الجديد", "كتاب جديد", 1, 1),
    # The Arabic comma is punctuation.
    ("ar", "بغداد، العراق", "بغداد العراق", 1, 1),
    # The letters in the middle of a word split it: gold [مق ة], given [مق]: 2*1/(2+1).
    ("ar", "مقالة", "مق", 0, 2 / 3),
    # 4 gold tokens [في عام 1998 ميلادي], 2 given [عام 1998]: 2*2/(4+2).
    ("ar", "في عام 1998 ميلادي", "عام 1998", 0, 2 / 3),
    # Chinese. Characters are tokens: gold [中 国 北 京], given [北 京]: 2*2/(4+2).
    ("zh", "中国北京", "北京", 0, 2 / 3),
    # Book title marks and the full stop are punctuation, which goes before anything is cut.
    ("zh", "《红楼梦》。", "红楼梦", 1, 1),
    # Runs of other text stay whole: gold [1949 年 10 月], given [1949 年]: 2*2/(4+2).
    ("zh", "1949年10月", "1949年", 0, 2 / 3),
    # Order does not count in F1, but in exact match: the same bag [京 北].
    ("zh", "北京", "京北", 0, 1),
    # Repeated characters count as often as both sides have them: common [妈], 2*1/(2+1).
    ("zh", "妈妈", "妈", 0, 2 / 3),
    # Hindi. The danda is punctuation, vowel signs and virama are not.
    ("hi", "नई दिल्ली।", "नई दिल्ली", 1, 1),
    # No articles: gold [एक नदी], given [नदी]: 2*1/(2+1).
    ("hi", "एक नदी", "नदी", 0, 2 / 3),
    # A vowel sign more is another word.
    ("hi", "नदी", "नद", 0, 0),
    # Vietnamese. của, là, cái, chiếc and những go.
    ("vi", "của những con mèo", "con mèo", 1, 1),
    # Syllables are tokens: gold [thành phố hà nội], given [hà nội]: 2*2/(4+2).
    ("vi", "thành phố Hà Nội", "Hà Nội", 0, 2 / 3),
    # A different tone mark is a different syllable: common [hà]: 2*1/(2+2).
    ("vi", "Hà Nội", "Hà Nôi", 0, 1 / 2),
    # German. Declined articles go, typographic quotation marks too.
    ("de", "dem „Faust“", "Faust", 1, 1),
    # Prepositions stay: gold [in alpen], given [alpen]: 2*1/(2+1).
    ("de", "in den Alpen", "Alpen", 0, 2 / 3),
    # The English article is no German one: gold [the beatles], given [beatles].
    ("de", "The Beatles", "die Beatles", 0, 2 / 3),
    # Spanish. Articles go, inverted marks are punctuation.
    ("es", "¡Los años 90!", "años 90", 1, 1),
    # A contraction is none: gold [del río], given [río]: 2*1/(2+1).
    ("es", "del río", "el río", 0, 2 / 3),
    # English. A hyphen joins what it stood between: gold [wellknown], given [well known].
    ("en", "well-known", "well known", 0, 0),
    ("en", "An apple a day", "apple day", 1, 1),
]
SQUAD = [
    # Thai has no spaces: a whole answer is one token, right or wrong.
    ("th", "กรุงเทพมหานคร", "กรุงเทพ", 0, 0),
    ("th", " กรุงเทพ ", "กรุงเทพ", 1, 1),
    # ASCII full stops go: gold [พศ 2475], given [2475]: 2*1/(2+1).
    ("th", "พ.ศ. 2475", "2475", 0, 2 / 3),
    # The Thai abbreviation mark is no ASCII punctuation.
    ("th", "กรุงเทพฯ", "กรุงเทพ", 0, 0),
    # The rules are English in every language: the danda, „“ and 。 stay, der and ال stay.
    ("hi", "दिल्ली।", "दिल्ली", 0, 0),
    ("de", "der „Faust“", "der Faust", 0, 1 / 2),
    ("zh", "北京。", "北京", 0, 0),
    ("zh", "中国北京", "北京", 0, 0),
    ("ar", "الكتاب", "كتاب", 0, 0),
    # Vietnamese is written with spaces: 2*2/(4+2).
    ("vi", "thành phố Hà Nội", "Hà Nội", 0, 2 / 3),
    # English articles go even there.
    ("vi", "A Hà Nội", "Hà Nội", 1, 1),
]


@pytest.mark.parametrize(("language", "gold", "answer", "exact", "f1"), MLQA)
def test_mlqa(language, gold, answer, exact, f1):
    assert MlqaExactMatch().per_example([[gold]], [answer], language)[0, 0] == exact
    assert MlqaF1().per_example([[gold]], [answer], language)[0, 0] == pytest.approx(f1, abs=1e-12)


@pytest.mark.parametrize(("language", "gold", "answer", "exact", "f1"), SQUAD)
def test_squad(language, gold, answer, exact, f1):
    assert SquadExactMatch().per_example([[gold]], [answer], language)[0, 0] == exact
    assert SquadF1().per_example([[gold]], [answer], language)[0, 0] == pytest.approx(f1, abs=1e-12)


def test_every_language_of_mlqa_is_there():
    assert {case[0] for case in MLQA} == {"ar", "de", "en", "es", "hi", "vi", "zh"}
