from __future__ import annotations

import csv
import importlib.util
import logging
from pathlib import Path

import numpy as np
import pytest

from harness import typology
from harness.errors import RequestError, SpecError
from harness.languages import LANGUAGES, language
from harness.typology import DISTANCES, TABLE, distances_from, distances_from_nearest, offered_distances

installed = importlib.util.find_spec("urielplus") is not None
needs_urielplus = pytest.mark.skipif(not installed, reason="the extra `typology` is not installed")


def test_every_language_has_reviewed_properties():
    assert all(len(row.iso) == 3 and row.family and row.genus for row in LANGUAGES.values())
    assert len({row.iso for row in LANGUAGES.values()}) == len(LANGUAGES)
    assert {row.word_order for row in LANGUAGES.values()} == {"SVO", "SOV", "VSO", "none", None}
    assert [code for code, row in LANGUAGES.items() if row.word_order is None] == ["af"]
    assert {row.resources for row in LANGUAGES.values()} == {1, 2, 3, 4, 5}
    # A genus lies within one family.
    genera = {(row.genus, row.family) for row in LANGUAGES.values()}
    assert len(genera) == len({genus for genus, _ in genera})


@pytest.mark.parametrize(
    ("code", "distance"), [("en", 0.0), ("de", 0.25), ("ru", 0.5), ("hi", 0.75), ("ja", 1.0), ("af", 0.0)]
)
def test_the_table_distance_is_the_share_of_properties_that_differ(code, distance):
    assert distances_from("en", [code]) == {code: distance}


def test_the_table_distance_is_a_symmetric_dissimilarity():
    for code in LANGUAGES:
        assert distances_from(code, [code]) == {code: 0.0}
        for other, apart in distances_from(code, LANGUAGES).items():
            assert 0 <= apart <= 1
            assert distances_from(other, [code])[code] == apart


def test_unknown_languages_and_distances():
    assert distances_from("en", ["de", "qaa"]) == {"de": 0.25}
    with pytest.raises(SpecError, match="'qaa' is not a language of the table"):
        distances_from("qaa", ["de"])
    with pytest.raises(RequestError, match=r"no distance 'uriel syntax'.*did you mean 'uriel syntactic'"):
        distances_from("en", ["de"], distance="uriel syntax")


def test_the_nearest_of_several():
    near = distances_from_nearest(["en", "hi", "qaa"], LANGUAGES)
    one, other = (distances_from(source, LANGUAGES) for source in ("en", "hi"))
    assert near == {code: min(one[code], other[code]) for code in LANGUAGES}
    assert distances_from_nearest([], LANGUAGES) == {}


def test_without_the_extra_uriel_is_refused_with_the_way_out(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError("No module named 'urielplus'")

    typology._uriel.cache_clear()
    typology._uriel_vector.cache_clear()
    monkeypatch.setattr(typology.importlib, "import_module", absent)
    with pytest.raises(RequestError, match=r"pip install 'xharness\[typology\]'"):
        distances_from("en", ["de"], distance="uriel syntactic")
    monkeypatch.setattr(typology.importlib.util, "find_spec", lambda name: None)
    assert offered_distances() == (TABLE,)


def test_a_package_folder_that_cannot_be_written_is_said(monkeypatch):
    class Locked:
        @staticmethod
        def URIELPlus():
            raise PermissionError(13, "Permission denied")

    typology._uriel.cache_clear()
    typology._uriel_vector.cache_clear()
    monkeypatch.setattr(typology.importlib, "import_module", lambda name: Locked)
    with pytest.raises(RequestError, match=r"Permission denied.*must be writable"):
        distances_from("en", ["de"], distance="uriel syntactic")


@needs_urielplus
class TestUriel:
    """What holds of the tables that urielplus ships."""

    def test_distances_are_those_of_the_package(self):
        assert offered_distances() == DISTANCES
        codes = ["en", "de", "hi", "ja", "sw", "ar"]
        for name in DISTANCES[1:]:
            found = distances_from("en", codes, distance=name)
            assert found["en"] == 0.0
            with typology._logging_left_alone():
                for code in codes[1:]:
                    theirs = typology._uriel().new_distance(
                        name.removeprefix("uriel "), "eng", language(code).iso
                    )
                    assert found[code] == pytest.approx(float(theirs), abs=1e-3)

    def test_too_few_known_features_are_no_distance(self):
        found = distances_from("en", LANGUAGES, distance="uriel syntactic")
        assert set(LANGUAGES) - set(found) == {"kk", "jv"}

    def test_isolates_share_no_genus_with_anyone(self):
        assert distances_from("en", ["eu"], distance="uriel genetic") == {"eu": 1.0}

    def test_the_root_logger_is_left_alone(self):
        root = logging.getLogger()
        before = root.handlers[:], root.level, root.manager.disable
        distances_from("en", ["de"], distance="uriel geographic")
        assert (root.handlers[:], root.level, root.manager.disable) == before

    def test_word_orders_of_the_table_are_those_of_their_source(self):
        """WALS 81A, else Ethnologue, as in URIEL's layers."""
        with typology._logging_left_alone():
            uriel = typology._uriel()
        langs, feats, sources = (
            list(map(str, axis[1])) for axis in (uriel.langs, uriel.feats, uriel.sources)
        )
        places = [feats.index(f"S_{order}") for order in ("SVO", "SOV", "VSO", "VOS", "OVS", "OSV")]
        for code, row in LANGUAGES.items():
            # The macrolanguage unites Modern Standard Arabic with its dialects.
            rows = uriel.data[1][langs.index("arb" if code == "ar" else row.iso)][places]
            for layer in ("WALS", "ETHNO"):
                known = np.flatnonzero(rows[:, sources.index(layer)] == 1)
                if len(known):
                    only = ("SVO", "SOV", "VSO", "VOS", "OVS", "OSV")[known[0]]
                    assert row.word_order == (only if len(known) == 1 else "none"), code
                    break
            else:
                assert row.word_order is None, code

    def test_families_of_the_table_are_those_of_glottolog(self):
        with typology._logging_left_alone():
            folder = Path(typology._uriel().cur_dir) / "database" / "urielplus_csvs"
        with (folder / "uriel_glottocode_map.csv").open(encoding="utf-8") as lines:
            codes = {row["iso_code"]: row["glottocode"] for row in csv.DictReader(lines)}
        with (folder / "lang_fam_geo.csv").open(encoding="utf-8") as lines:
            lineages = {row["language_id"]: row["lineage"] for row in csv.DictReader(lines)}
        # A macrolanguage has no place in a tree: one of its members stands for it.
        member = dict(ara="arb", aze="azj", est="ekk", fas="pes", msa="zsm", que="quz", swa="swh", zho="cmn")
        for row in LANGUAGES.values():
            lineage = lineages[codes[member.get(row.iso, row.iso)]]
            assert row.family == (lineage.partition(",")[0] or "Basque (isolate)"), row.code
