"""Write docs/reference/python.md from the docstrings: `python -m docs.make_python_reference`.

Signatures come from the source, so that the page is the same under every version of Python.
"""

import ast
import inspect
import re
from pathlib import Path

import mlbias

PAGE = Path(__file__).parent / "reference" / "python.md"
_PACKAGE = Path(mlbias.__file__).parent

_INTRODUCTION = """\
# Python

<!-- Made by `python -m docs.make_python_reference`; do not edit. -->

Functions, classes and errors are imported from `mlbias` itself. [Results](#results) are what the
functions return: use their attributes, but do not make them yourself. [Figures](#figures) are
imported from `mlbias.figures`, [engines](#engines) from modules of `mlbias.engines`. Names that are
not on this page may change. [Python and frames](../how-to/python.md) shows how it all goes
together.
"""

# What the functions return; not imported from mlbias itself, but their attributes are public.
_RESULTS = {
    "Evaluation": "evaluation.evaluate",
    "Score": "core.scores",
    "GroupedErrors": "core.scores",
    "Difference": "core.scores",
    "Bucket": "evaluation.evaluate",
    "Judgement": "evaluation.judge",
    "Judged": "evaluation.judge",
    "BucketDifference": "evaluation.judge",
    "Decile": "evaluation.deciles",
    "Intervals": "evaluation.calibration",
    "Description": "evaluation.describe",
    "Errors": "evaluation.describe",
    "Bar": "evaluation.describe",
    "Trial": "evaluation.trials",
    "FoldScore": "evaluation.trials",
    "Spread": "evaluation.trials",
    "Result": "evaluation.compare",
    "EpochStats": "core.training",
    "Certificate": "core.equations.certificate",
    "LeaveOneOut": "core.leave_one_out",
    "Learned": "core.reml.learn",
    "VarianceComponents": "core.reml.learn",
    "OrdinalScale": "core.ordinal",
    "OnScale": "evaluation.calibration",
    "NoisePrior": "core.reml.noise_prior",
    "NoiseQuarter": "evaluation.calibration",
    "StandardErrors": "core.reml.standard_errors",
    "Check": "core.reml.check",
    "Settings": "fitting.record",
    "Regularisation": "core.regularisation",
    "Uncertainty": "core.uncertainty",
    "TrainedOn": "core.trained_on",
    "Generated": "datasets.generated.generate",
    "Truth": "datasets.generated.generator",
    "PartitionedIncidence": "engines.partitioned",
}

# Drawn by matplotlib, an extra; imported from mlbias.figures.
_FIGURES = {
    "distributions": "figures.distributions",
    "learning_curves": "figures.curves",
    "comparison_curves": "figures.curves",
    "lecture_curves": "figures.curves",
    "lambda_curve": "figures.curves",
    "save_figure": "figures.style",
}

# Public names that need an extra, so that they are not in __all__.
_EXTRAS = ("BiasRegressor",)

# They need extras, and are imported from their own modules.
_ENGINES = (
    ("engines.spark", "incidence"),
    ("engines.joins", "predict"),
    ("engines.dask", "incidence"),
)

# Classes whose methods stand in another one, which has no entry of its own.
_SHARED = {"BiasModel": ("Fitted", "fitted")}

_SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Yields|Example):$", re.MULTILINE)


def python_reference() -> str:
    """The page."""
    groups: dict[str, list[str]] = {"Functions": [], "Classes": [], "Errors": []}
    for name in sorted([*mlbias.__all__, *_EXTRAS]):
        if name == "__version__":
            continue
        module = mlbias._HOMES[name]
        node = _definition(name, module)
        kind = "Functions" if isinstance(node, ast.FunctionDef) else "Classes"
        groups["Errors" if module == "errors" else kind].append(_entry(name, node))
    groups["Figures"] = [_entry(name, _definition(name, home)) for name, home in _FIGURES.items()]
    groups["Engines"] = [
        _entry(f"{module}.{name}", _definition(name, module)) for module, name in _ENGINES
    ]
    groups["Results"] = [_entry(name, _definition(name, home)) for name, home in _RESULTS.items()]
    parts = [_INTRODUCTION]
    for group, entries in groups.items():
        parts += [f"## {group}\n", *entries]
    return "\n".join(parts)


def _definition(name: str, module: str) -> ast.FunctionDef | ast.ClassDef:
    """The source of a name in a module."""
    source = (_PACKAGE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return node
    raise LookupError(name)


def _entry(name: str, node: ast.FunctionDef | ast.ClassDef) -> str:
    if isinstance(node, ast.FunctionDef):
        return f"### {name}\n\n{_signature(name, node)}\n\n{_docstring(node)}\n"
    parts = [f"### {name}\n"]
    made = ast.parse(f"def __init__({', '.join(_fields(node))}): ...").body[0]
    if _fields(node) and isinstance(made, ast.FunctionDef):
        parts.append(_signature(name, made) + "\n")
    else:
        bases = ", ".join(ast.unparse(base) for base in node.bases)
        parts.append(f"```python\nclass {name}{f'({bases})' if bases else ''}\n```\n")
    parts.append(_docstring(node) + "\n")
    shared = _SHARED.get(name)
    body = [*(_definition(*shared).body if shared else ()), *node.body]
    functions = (each for each in body if isinstance(each, ast.FunctionDef))
    parts += [_method(name, method) for method in functions if _is_shown(method)]
    return "\n".join(parts)


def _fields(node: ast.ClassDef) -> list[str]:
    """What a dataclass is made of, as parameters; none for other classes."""
    if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return []
    return [
        ast.unparse(field).replace("\n", "")
        for field in node.body
        if isinstance(field, ast.AnnAssign) and "ClassVar" not in ast.unparse(field.annotation)
    ]


def _is_shown(method: ast.FunctionDef) -> bool:
    decorators = [ast.unparse(decorator) for decorator in method.decorator_list]
    return not method.name.startswith("_") and "overload" not in decorators


def _method(owner: str, method: ast.FunctionDef) -> str:
    decorators = [ast.unparse(decorator) for decorator in method.decorator_list]
    if "property" in decorators:
        return f"#### {owner}.{method.name}\n\n{_docstring(method)}\n"
    method.args.args = method.args.args[1:]
    return (
        f"#### {owner}.{method.name}()\n\n"
        f"{_signature(f'{owner}.{method.name}', method)}\n\n{_docstring(method)}\n"
    )


def _signature(name: str, node: ast.FunctionDef) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    whole = f"{name}({ast.unparse(node.args)}){returns}"
    if len(whole) > 90:
        parameters = "".join(f"    {each},\n" for each in _parameters(node.args))
        whole = f"{name}(\n{parameters}){returns}"
    return f"```python\n{whole}\n```"


def _parameters(args: ast.arguments) -> list[str]:
    """Each parameter as the source has it, on a line of its own."""
    found = []
    positional = [*args.posonlyargs, *args.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(args.defaults))
    for arg, default in zip(positional, [*defaults, *args.defaults], strict=True):
        found.append(ast.unparse(arg) + (f"={ast.unparse(default)}" if default else ""))
    if args.kwonlyargs:
        found.append("*")
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        found.append(ast.unparse(arg) + (f"={ast.unparse(default)}" if default else ""))
    return found


def _docstring(node: ast.FunctionDef | ast.ClassDef) -> str:
    """A docstring in Google's style as Markdown."""
    text = inspect.cleandoc(ast.get_docstring(node) or "")
    lead, *rest = _SECTION.split(text)
    parts = [lead.strip()]
    for title, body in zip(rest[::2], rest[1::2], strict=True):
        inside, outside = _indented(body)
        if title == "Example":
            parts.append(f"```python\n{inside}\n```")
        elif title in ("Returns", "Yields"):
            parts.append(f"**{title}**: {' '.join(inside.split())}")
        else:
            name = "Parameters" if title == "Args" else title
            parts.append(f"**{name}**\n\n{_rows(inside)}")
        parts += [outside] if outside else []
    return "\n\n".join(parts)


def _indented(body: str) -> tuple[str, str]:
    """The indented text of a section, and what follows it."""
    lines = body.strip("\n").split("\n")
    end = next((k for k, line in enumerate(lines) if line and line[0] != " "), len(lines))
    return inspect.cleandoc("\n".join(lines[:end])), "\n".join(lines[end:]).strip()


def _rows(inside: str) -> str:
    """``name: meaning`` in lines, those of a meaning indented, as a list."""
    rows: list[str] = []
    for line in inside.split("\n"):
        if line.startswith(" ") and rows:
            rows[-1] += f" {line.strip()}"
        else:
            rows.append(line)
    return "\n".join(
        re.sub(r"^([\w*, ]+): ", lambda name: f"- `{name[1]}`: ", row) for row in rows if row
    )


if __name__ == "__main__":
    PAGE.write_text(python_reference(), encoding="utf-8")
