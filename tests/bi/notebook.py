"""Runs docs/bi/notebook.ipynb without Jupyter.

`SENSORFLOW_BI_URL=... python -m tests.bi.notebook` runs every cell on a database with the demo's
sample, and writes what the cells show into the file.
"""

import ast
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

NOTEBOOK = Path(__file__).parents[2] / "docs" / "bi" / "notebook.ipynb"


def read_notebook() -> dict[str, Any]:
    """The notebook, in version 4 of its format."""
    parsed: dict[str, Any] = json.loads(NOTEBOOK.read_text())
    return parsed


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """Its cells of code, in order."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run_cells(notebook: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
    """What each cell shows, in the notebook's own form; all of them share their names."""
    names: dict[str, Any] = {}
    for number, cell in enumerate(code_cells(notebook), 1):
        yield _outputs(number, *_run("".join(cell["source"]), names))


def _run(source: str, names: dict[str, Any]) -> tuple[str, object]:
    """What a cell prints, and the value of the expression that it ends with."""
    tree = ast.parse(source)
    *statements, last = tree.body
    printed = StringIO()
    with redirect_stdout(printed):
        if not isinstance(last, ast.Expr):
            exec(source, names)  # noqa: S102  # the notebook's own text
            return printed.getvalue(), None
        exec(compile(ast.Module(statements, []), "cell", "exec"), names)  # noqa: S102
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names)  # noqa: S307
    return printed.getvalue(), value


def _outputs(number: int, printed: str, value: object) -> list[dict[str, Any]]:
    outputs: list[dict[str, Any]] = []
    if printed:
        outputs.append({"name": "stdout", "output_type": "stream", "text": _lines(printed)})
    if value is not None:
        outputs.append(
            {
                "data": {"text/plain": _lines(repr(value))},
                "execution_count": number,
                "metadata": {},
                "output_type": "execute_result",
            }
        )
    return outputs


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def write_outputs() -> None:
    """Run the notebook and write it with what its cells show."""
    notebook = read_notebook()
    for number, (cell, outputs) in enumerate(
        zip(code_cells(notebook), run_cells(notebook), strict=True), 1
    ):
        cell["execution_count"], cell["outputs"] = number, outputs
    NOTEBOOK.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write_outputs()
