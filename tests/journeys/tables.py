"""Tables of statements and the tests that prove them, by file: a row whose test is gone is found."""

import ast
from collections.abc import Mapping
from pathlib import Path

TESTS = Path(__file__).parents[1]

# File -> statement -> the name of its test.
Proofs = Mapping[str, Mapping[str, str]]


def functions_of(file: Path) -> set[str]:
    """The names of the tests in a file."""
    return {one.name for one in ast.walk(ast.parse(file.read_text())) if isinstance(one, ast.FunctionDef)}


def gone(proofs: Proofs) -> list[str]:
    """The statements whose test was renamed or deleted."""
    return [
        f"{statement}: {file}::{name}"
        for file, rows in proofs.items()
        for statement, name in rows.items()
        if name not in functions_of(TESTS / file)
    ]
