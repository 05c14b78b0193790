import pytest

from harness.errors import SpecError
from harness.metrics.ranking import AveragePrecision
from harness.metrics.squad import SquadF1
from harness.metrics.table import TABLE, metric_named


@pytest.mark.parametrize("name", [*TABLE, "average_precision@20"])
def test_every_entry_is_a_metric(name):
    metric = metric_named(name)
    assert metric.columns
    assert metric.per_example([], [], "en").shape == (0, len(metric.columns))


def test_cut_off_is_parsed():
    metric = metric_named("average_precision@7")
    assert isinstance(metric, AveragePrecision)
    assert metric.k == 7


@pytest.mark.parametrize(
    "name",
    ["average_precision", "average_precision@0", "average_precision@x", "average_precision@" + "9" * 5000],
)
def test_bad_cut_off(name):
    with pytest.raises(SpecError, match="cut-off of at least 1"):
        metric_named(name)


def test_typo_gets_a_suggestion():
    with pytest.raises(SpecError, match="did you mean 'accuracy'"):
        metric_named("acuracy")


def test_a_cut_off_where_none_belongs():
    with pytest.raises(SpecError, match="there is no metric 'accuracy@5'"):
        metric_named("accuracy@5")


def test_own_class():
    assert isinstance(metric_named("harness.metrics.squad:SquadF1"), SquadF1)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no_such_package.metrics:Mine", "cannot be imported"),
        ("harness.metrics.squad:Nothing", "'Nothing' is not there; name a class"),
        ("sys:exit", "'exit' is <built-in function exit>; name a class"),
        ("harness.metrics.ranking:AveragePrecision", "without arguments"),
        ("collections:Counter", "no 'columns' or 'per_example' or 'value'"),
    ],
)
def test_own_class_that_does_not_work(path, message):
    with pytest.raises(SpecError, match=message):
        metric_named(path)


@pytest.mark.parametrize("name", [":F", ".squad:F", "a..b:F", "a:", "a:b.c", "a b:F", ""])
def test_names_that_are_no_class_path(name):
    with pytest.raises(SpecError, match="there is no metric"):
        metric_named(name)


def test_a_module_that_fails_when_it_is_imported(tmp_path, monkeypatch):
    (tmp_path / "broken_metric.py").write_text("1 +\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SpecError, match=r"cannot be imported \(SyntaxError"):
        metric_named("broken_metric:F")
