"""How far two languages are apart: from the language table alone, or by URIEL+ where it is installed.

`table` is the distance that needs nothing else, and the one named in advance unless another is. It is
Gower's dissimilarity with equal weights over four properties of `harness.languages`, and of the tables
beside it (`tasks/languages`): the share of family, genus, script and dominant word order in which two
languages differ. A property that is unknown of either is left out of numerator and denominator. So English
is 0.25 from German (word order), 0.5 from Russian (genus, script), 0.75 from Hindi and 1 from Japanese.
Source: Gower (1971), Biometrics 27, 857-871, equation 1.

`uriel ...` are the distances of URIEL+ (the extra `typology`, package urielplus): 2/pi times the angle
between two languages' feature vectors, over the features known of both, 0 to 1. The vectors are those
that the package ships, the union over its sources; nothing is integrated, imputed or fetched. Arabic,
Chinese, Malay and other macrolanguages are the ones that URIEL holds under their own code, the union
of their members. A language without any of the features (an isolate has no genus) is at a right angle
to all others, hence 1 apart. Two languages with fewer than 20 features known of both have no distance.
Source: Littell et al. (2017), EACL, 8-14; Khan et al. (2025), COLING, 6937-6952.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from harness.errors import RequestError, did_you_mean, raise_all
from harness.languages import LanguageInfo, language
from harness.records import Float
from harness.specfiles.language_tables import known_languages

TABLE = "table"
_URIEL_KINDS = {f"uriel {kind}": kind for kind in ("syntactic", "featural", "genetic", "geographic")}
DISTANCES: tuple[str, ...] = (TABLE, *_URIEL_KINDS)
MIN_SHARED_FEATURES = 20


def offered_distances() -> tuple[str, ...]:
    """Return the names of the distances that can be worked out here, `table` first."""
    return DISTANCES if importlib.util.find_spec("urielplus") else (TABLE,)


def check_distances(names: Iterable[str]) -> None:
    """Check that there are distances of these names, and what they need.

    Raises:
        RequestError: naming all that there are not, or the extra `typology` is needed.
    """
    wanted = tuple(names)
    allowed = ", ".join(repr(name) for name in DISTANCES)
    problems = [
        f"--distances: there is no distance {name!r}{did_you_mean(name, DISTANCES)}; allowed: {allowed}"
        for name in wanted
        if name not in DISTANCES
    ]
    if not wanted:
        problems.append(f"--distances: name at least one of {allowed}")
    raise_all(RequestError, problems)
    if not {TABLE}.issuperset(wanted):
        _uriel()


def distances_from(source: str, codes: Iterable[str], *, distance: str = TABLE) -> dict[str, float]:
    """Return the distance of each language from a source language, 0 to 1, by benchmark code.

    Languages that the table does not have, or of which too little is known, are not in the result.

    Raises:
        SpecError: the source is not in the table.
        RequestError: there is no distance of that name, or it needs the extra `typology`.
    """
    check_distances([distance])
    known = known_languages()
    origin = language(source, known)
    kind = _URIEL_KINDS.get(distance)
    found: dict[str, float] = {}
    for code in codes:
        other = known.get(code)
        if other is None:
            continue
        apart = _by_table(origin, other) if kind is None else _by_uriel(kind, origin.iso, other.iso)
        if apart is not None:
            found[code] = apart
    return found


def distances_from_nearest(
    sources: Iterable[str], codes: Iterable[str], *, distance: str = TABLE
) -> dict[str, float]:
    """Return each language's distance from the nearest of several languages, as `distances_from`.

    A language of unknown distance to one of them is judged by the others. Sources that the table does
    not have are passed over.
    """
    wanted, known = tuple(codes), known_languages()
    nearest: dict[str, float] = {}
    for source in sources:
        if source in known:
            for code, apart in distances_from(source, wanted, distance=distance).items():
                nearest[code] = min(apart, nearest.get(code, apart))
    return nearest


def _by_table(one: LanguageInfo, other: LanguageInfo) -> float:
    pairs = [(one.family, other.family), (one.genus, other.genus), (one.script, other.script)]
    if one.word_order is not None and other.word_order is not None:
        pairs.append((one.word_order, other.word_order))
    return sum(a != b for a, b in pairs) / len(pairs)


def _by_uriel(kind: str, one: str, other: str) -> float | None:
    a, b = _uriel_vector(kind, one), _uriel_vector(kind, other)
    if a is None or b is None:
        return None
    known = (a >= 0) & (b >= 0)
    if np.count_nonzero(known) < MIN_SHARED_FEATURES:
        return None
    a, b = a[known], b[known]
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    if lengths == 0.0:
        return 1.0
    # The angle of a vector with itself is arccos of nearly 1, which is not nearly 0.
    if np.array_equal(a, b):
        return 0.0
    return float(2 / np.pi * np.arccos(np.clip(float(a @ b) / lengths, -1.0, 1.0)))


@cache
def _uriel_vector(kind: str, iso: str) -> Float | None:
    """Return a language's features, -1 where unknown; None if URIEL+ does not know the language."""
    with _logging_left_alone():
        try:
            vectors = _uriel().get_vector(kind, [iso])
        except ValueError:
            return None
    return np.asarray(vectors[iso], dtype=np.float64)


@cache
def _uriel() -> Any:
    try:
        with _logging_left_alone():
            return importlib.import_module("urielplus.urielplus").URIELPlus()
    except ImportError as error:
        raise RequestError(
            f"URIEL+ distances need the package urielplus ({error}): install the extra with "
            "`pip install 'xharness[typology]'`, or take the distance `table`, which needs none"
        ) from None
    except (OSError, ValueError) as error:
        raise RequestError(
            f"urielplus cannot open its data ({error}). On first use it copies its tables within its own "
            "package folder, which must be writable that once; or take the distance `table`"
        ) from None


@contextmanager
def _logging_left_alone() -> Iterator[None]:
    """Undo what urielplus does to the root logger: it configures it on import and reports each call."""
    root = logging.getLogger()
    handlers, level, disabled = root.handlers[:], root.level, root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(disabled)
        root.handlers[:] = handlers
        root.setLevel(level)
