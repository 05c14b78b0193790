"""The tables of a comparison by typology: groups of languages, slopes on distance, spread over languages.

They are there where the comparison has a key `typology`; see `harness.results.typology_tree`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.results.comparison_findings import Pair
from harness.results.comparison_notes import (
    MARK,
    p_text,
    rows_note,
    scope_note,
    sizes_note,
    test_note,
    titled,
)
from harness.results.table import ABSENT, Column, Number, Row, Table, TableCell, Text
from harness.results.typology_tree import (
    Group,
    LanguagesLikeThese,
    Mean,
    Property,
    Slopes,
    Spread,
    SpreadChange,
    TheseLanguages,
    TypologyBreakdown,
)

_BLANK = Text("")
_SHOWN: tuple[Property, ...] = ("family", "script", "distance", "word order", "resources")
_MEASURES: Mapping[str, Callable[[Spread], SpreadChange | None]] = {
    "SD": lambda spread: spread.sd,
    "worst quartile": lambda spread: spread.worst_quartile,
}
_Tested = TheseLanguages | LanguagesLikeThese | SpreadChange
_NEARNESS = ("near", "middle", "far")
_POWER = (
    "p (x): not significant; a true {} of x (detectable) would be found with a probability of 80% at the "
    "first step of Holm's correction."
)
_MANY = 5  # languages of a group that are named; of more, the first and how many more


def typology_tables(pair: Pair, *, wide: bool = False) -> list[Table]:
    """Return the tables in reading order; none where the comparison has no typology.

    Groups are those of the mean over tasks, where there is none of the tasks with gaps, else of the
    first; `wide`: of every task as well.
    """
    typology = pair.comparison.typology
    if typology is None:
        return []
    cuts = dict(typology.tasks)
    with_gap = [
        name for name, cut in cuts.items() if any(p.reduction is not None for p in cut.languages.values())
    ]
    shown = with_gap or list(cuts)[:1]
    if typology.suite is not None:
        cuts["mean of tasks"] = typology.suite
        shown = ["mean of tasks"]
    shown = list(cuts) if wide else shown
    spread = _spread_table(pair, typology.tasks)
    return [
        *(_groups_table(pair, name, cuts[name], typology.distance) for name in shown if cuts[name].languages),
        *([_slopes_table(pair, cuts, [typology.distance, *typology.others])] if _placed(cuts) else []),
        *([spread] if spread is not None else []),
    ]


def _placed(cuts: Mapping[str, TypologyBreakdown]) -> bool:
    """Whether any language has a distance."""
    return any(
        slopes.these_languages is not None or slopes.languages_like_these.families
        for cut in cuts.values()
        for slopes in cut.slopes.values()
    )


def slope_sentences(slopes: Slopes, alpha: float) -> str:
    """Return both statements about a slope, each with the uncertainty that is its own."""
    these, like = slopes.these_languages, slopes.languages_like_these
    words = []
    if these is not None:
        words.append(f"For these languages: {_slope(these, alpha)}.")
    if like.value is None:
        words.append(f"For languages like these: {like.note} ({like.families}).")
    else:
        words.append(
            f"For languages like these, one point per family ({like.families}): {_slope(like, alpha)}."
        )
    return " ".join(words)


def _slope(found: TheseLanguages | LanguagesLikeThese, alpha: float) -> str:
    ends = "" if found.low is None or found.high is None else f" [{found.low:.1f}, {found.high:.1f}]"
    return f"{found.value or 0.0:+.1f}{ends} points per unit, adjusted p {p_text(found.p_adjusted, alpha)}"


def _groups_table(pair: Pair, name: str, cut: TypologyBreakdown, distance: str) -> Table:
    gaps = any(point.reduction is not None for point in cut.languages.values())
    rows: list[Row] = []
    for by in _SHOWN:
        groups = sorted(cut.groups.get(by, {}).items(), key=lambda item: _rank(*item))
        for place, (value, group) in enumerate(groups):
            cells = (Text("" if place else by), Text(value), Text(_listed(group.languages)))
            numbers = (_mean_cell(group.difference), *(_gap_cells(group) if gaps else ()))
            rows.append(Row((*cells, *numbers), rule=place == 0))
    columns = [*(Column(head, "left") for head in ("by", "group", "languages")), Column("difference")]
    if gaps:
        columns += [Column("gap\nbase"), Column("gap\ncand"), Column("reduction")]
    reasons: dict[str, list[str]] = {}
    for code, why in cut.left_out.items():
        reasons.setdefault(why, []).append(code)
    notes = [
        scope_note(pair),
        "Unweighted means over the languages of a group. Groups are described, not tested: there is no p and "
        "no family.",
        test_note(pair.settings, "t"),
        rows_note(
            [
                pair.comparison.tasks[task].languages[code].difference.n
                for task in cut.tasks
                for code in pair.comparison.tasks[task].languages
            ],
            "per language and task",
        ),
        f"near, middle, far: thirds of the languages by the distance {distance!r}, equal distances together.",
    ]
    if reasons:
        parts = (f"{', '.join(codes)} ({why})" for why, codes in reasons.items())
        notes.append(f"In no group: {'; '.join(parts)}.")
    return Table(
        titled(pair, f"{name} by typology"), tuple(columns), tuple(rows), _present(notes), dense=True
    )


def _slopes_table(pair: Pair, cuts: dict[str, TypologyBreakdown], distances: Sequence[str]) -> Table:
    rows: list[Row] = []
    for name, cut in cuts.items():
        first = True
        for distance in distances:
            slopes = cut.slopes.get(distance)
            if slopes is None:
                continue
            these, like = slopes.these_languages, slopes.languages_like_these
            cells = (
                Text(name if first else ""),
                Text(distance),
                *_slope_cells(pair, these),
                *_slope_cells(pair, None if like.value is None else like),
                Text(f"{like.families}" if like.note is None else f"{like.families}: {like.note}"),
            )
            rows.append(Row(cells, rule=first))
            first = False
    columns = (
        *(Column(head, "left") for head in ("task", "distance")),
        *(Column("for these\nlanguages"), Column("p")),
        *(Column("for languages\nlike these"), Column("p"), Column("families", "left")),
    )
    notes = (
        scope_note(pair),
        test_note(pair.settings, "t"),
        rows_note(
            [
                slopes.these_languages.n
                for cut in cuts.values()
                for slopes in cut.slopes.values()
                if slopes.these_languages is not None
            ],
            "of all languages of a slope",
        ),
        "Slope of the gap reduction (of the difference where there is no gap) on a distance, in points per "
        "unit of distance.",
        "For these languages: the uncertainty is that of the items drawn; nothing is said of others.",
        "For languages like these: least squares through one point per family, t with families - 2 degrees "
        "of freedom.",
        f"{distances[0]!r} is named in advance, all others are a family of their own.",
        sizes_note(pair.settings, _slope_families(cuts, distances)),
        _POWER.format("slope"),
    )
    return Table(titled(pair, "slopes on distance"), columns, tuple(rows), _present(notes), dense=True)


def _slope_families(cuts: Mapping[str, TypologyBreakdown], distances: Sequence[str]) -> dict[str, int]:
    """Return the sizes of the families that slopes are adjusted in, by what they are."""
    sizes: dict[str, int] = {}
    for cut in cuts.values():
        level = "" if cut.spread is not None else " of the mean"
        for name, slopes in cut.slopes.items():
            which = f"{distances[0]}" if name == distances[0] else "other distances"
            these, like = slopes.these_languages, slopes.languages_like_these
            if these is not None and these.p is not None:
                sizes[f"{which}{level}, these languages"] = these.family
            if like.p is not None:
                sizes[f"{which}{level}, languages like these"] = like.family
    return sizes


def _spread_table(pair: Pair, cuts: dict[str, TypologyBreakdown]) -> Table | None:
    rows: list[Row] = []
    for name, cut in cuts.items():
        found = cut.spread
        measures = [(measure, pick(found)) for measure, pick in _MEASURES.items()] if found else []
        for place, (measure, change) in enumerate((m, c) for m, c in measures if c is not None):
            rows.append(
                Row((Text("" if place else name), *_spread_cells(pair, measure, change)), rule=place == 0)
            )
    if not rows:
        return None
    columns = (
        *(Column(head, "left") for head in ("task", "over languages")),
        *(Column("base"), Column("cand"), Column("difference"), Column("p")),
    )
    changes = {
        measure: [c for cut in cuts.values() if cut.spread for c in [pick(cut.spread)] if c is not None]
        for measure, pick in _MEASURES.items()
    }
    notes = (
        scope_note(pair),
        test_note(pair.settings, "t"),
        rows_note([c.n for found in changes.values() for c in found], "of all languages of a task"),
        sizes_note(
            pair.settings,
            {
                f"{measure}, over tasks": max((c.family for c in found if c.p is not None), default=0)
                for measure, found in changes.items()
            },
        ),
        _POWER.format("difference"),
        "SD: of the scores over languages; worst quartile: mean of the quarter of the languages that is the "
        "worst on that side. They ask for no test in the source language.",
    )
    return Table(titled(pair, "spread over languages"), columns, tuple(rows), _present(notes), dense=True)


def _spread_cells(pair: Pair, measure: str, change: SpreadChange) -> tuple[TableCell, ...]:
    return (
        Text(measure),
        Number(change.baseline),
        Number(change.candidate),
        _tested_cell(pair, change.difference, change),
        _p_cell(pair, change),
    )


def _slope_cells(pair: Pair, found: TheseLanguages | LanguagesLikeThese | None) -> tuple[TableCell, ...]:
    if found is None:
        return Text(ABSENT), _BLANK
    return _tested_cell(pair, found.value, found), _p_cell(pair, found)


def _p_cell(pair: Pair, found: _Tested) -> Text:
    """Return the adjusted p; beside one that is not significant stands what would be found."""
    p = p_text(found.p_adjusted, pair.settings.alpha)
    return Text(
        p if found.detectable is None or _significant(pair, found) else f"{p} ({found.detectable:.1f})"
    )


def _significant(pair: Pair, found: _Tested) -> bool:
    return found.p_adjusted is not None and found.p_adjusted <= pair.settings.alpha


def _tested_cell(pair: Pair, value: float | None, found: _Tested) -> Number:
    mark = MARK if _significant(pair, found) else ""
    return Number(value, found.low, found.high, signed=True, mark=mark)


def _gap_cells(group: Group) -> tuple[TableCell, ...]:
    return Number(group.gap_baseline), Number(group.gap_candidate), _mean_cell(group.reduction)


def _mean_cell(mean: Mean | None) -> TableCell:
    return _BLANK if mean is None else Number(mean.value, mean.low, mean.high, signed=True)


def _present(notes: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(note for note in notes if note)


def _rank(value: str, group: Group) -> tuple[int, int, str]:
    """Order groups: distances from near to far, else the largest first."""
    nearness = _NEARNESS.index(value) if value in _NEARNESS else 0
    return nearness, -len(group.languages), value


def _listed(codes: Iterable[str]) -> str:
    named = sorted(codes)
    if len(named) <= _MANY:
        return " ".join(named)
    return f"{' '.join(named[: _MANY - 1])} +{len(named) - _MANY + 1}"
