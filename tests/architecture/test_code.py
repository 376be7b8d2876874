"""The code about itself: rules that a reader relies on."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

from tests.checkout import APPS, ROOT

ROOMS = [*APPS, "config"]
QUERY_CALLS = {
    *("filter", "exclude", "annotate", "aggregate", "order_by", "select_related"),
    *("prefetch_related", "select_for_update", "values_list", "bulk_create", "raw", "extra"),
}
NOT_QUERIES = {"core/keyset.py", "core/repositories.py"}


def sources() -> Iterator[Path]:
    for room in ROOMS:
        yield from (p for p in (ROOT / room).rglob("*.py") if "migrations" not in p.parts)


def calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr


def names(paths: Iterator[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("name", names(sources()))
def test_queries_are_built_in_repositories(name: str) -> None:
    if Path(name).name == "repositories.py" or name in NOT_QUERIES:
        return
    found = QUERY_CALLS & set(calls(ast.parse((ROOT / name).read_text())))

    assert not found


@pytest.mark.parametrize("name", names(sources()))
def test_a_file_is_short(name: str) -> None:
    assert len((ROOT / name).read_text().splitlines()) <= 300


def test_no_function_is_longer_than_a_screen() -> None:
    long = [
        f"{path}:{node.name}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= 40
    ]

    assert long == []


def test_nothing_is_done_in_save_or_in_signals() -> None:
    for path in sources():
        tree = ast.parse(path.read_text())
        defined = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
        assert "save" not in defined, path
        assert "post_save" not in path.read_text(), path


def test_only_repositories_of_ours_are_managers() -> None:
    for model in apps.get_models():
        if model.__module__.split(".")[0] in ROOMS:
            assert type(model._default_manager).__name__.endswith("Repository"), model
