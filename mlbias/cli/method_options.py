"""Options that methods have, shared by the commands that train, and their defaults in the help."""

from typing import Annotated, Any

import typer

from mlbias.cli.options import MODEL, Command
from mlbias.core.methods import METHODS, load_method, make_method

MethodName = Annotated[
    str,
    typer.Option(
        "--method",
        metavar="|".join(METHODS),
        autocompletion=lambda: list(METHODS),
        rich_help_panel=MODEL,
        help="How to minimise the cost.",
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        min=0,
        metavar="N",
        rich_help_panel=MODEL,
        help="The most updates to make; 0 gives the baseline. [default: {epochs}]",
    ),
]
LearningRate = Annotated[
    float | None,
    typer.Option(
        "--lr",
        metavar="X",
        rich_help_panel=MODEL,
        help="Learning rate, for methods that have one. [default: {lr}]",
    ),
]
PenaltyName = Annotated[
    str | None,
    typer.Option(
        "--penalty",
        metavar="mean|sum",
        rich_help_panel=MODEL,
        help="The scale of every lambda; with it all methods minimise one and the same cost. "
        "[default: {penalty}]",
    ),
]
Tolerance = Annotated[
    float | None,
    typer.Option(
        "--tol",
        metavar="X",
        rich_help_panel=MODEL,
        help="Stop once an epoch changes the cost by no more than this share of it (adam: "
        "five epochs in a row). Of exact it is the relative residual. [default: exact 1e-10]",
    ),
]


class MethodCommand(Command):
    """Fills the methods' own defaults into the help, which alone has to load them."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help with the placeholders replaced."""
        methods = {name: load_method(name) for name in METHODS}
        rates = {
            name: make_method(name).learning_rate  # type: ignore[attr-defined]
            for name, method in methods.items()
            if "learning_rate" in method.__dataclass_fields__  # type: ignore[attr-defined]
        }
        known = {
            "{epochs}": _each({name: method.default_epochs for name, method in methods.items()}),
            "{lr}": _each({name: f"{rate:g}" for name, rate in rates.items()}),
            "{lambda}": _each(
                {
                    name: "auto" if method.default_lambda is None else method.default_lambda
                    for name, method in methods.items()
                }
            ),
            "{penalty}": _each({name: method.default_penalty for name, method in methods.items()}),
        }
        for param in self.params:
            help_: str | None = getattr(param, "help", None)
            for placeholder, text in known.items():
                help_ = help_ and help_.replace(placeholder, text)
            setattr(param, "help", help_)  # noqa: B010 - only options have the attribute
        super().format_help(ctx, formatter)


def _each(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
