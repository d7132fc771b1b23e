"""How a model is fitted, and where it is saved."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mlbias.cli.options.spread import MODEL, OUTPUT
from mlbias.core.methods import DEFAULT_METHOD, METHODS
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.core.methods.protocol import Method
    from mlbias.core.regularisation import Regularisation
    from mlbias.fitting.record import Settings

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


@dataclass(frozen=True, slots=True)
class MethodOptions:
    """A method and its options; those of one method and those of several."""

    method: MethodName = DEFAULT_METHOD
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            min=0,
            metavar="N",
            rich_help_panel=MODEL,
            help="The maximum number of updates; 0 predicts the mean. [default: {epochs}]",
        ),
    ] = None
    lr: Annotated[
        float | None,
        typer.Option(
            "--lr", metavar="X", rich_help_panel=MODEL, help="Learning rate. [default: {lr}]"
        ),
    ] = None
    beta1: Annotated[
        float | None,
        typer.Option(
            "--beta1",
            metavar="X",
            rich_help_panel=MODEL,
            help="Decay rate of the first moment. [default: {beta1}]",
        ),
    ] = None
    beta2: Annotated[
        float | None,
        typer.Option(
            "--beta2",
            metavar="X",
            rich_help_panel=MODEL,
            help="Decay rate of the second moment. [default: {beta2}]",
        ),
    ] = None
    epsilon: Annotated[
        float | None,
        typer.Option(
            "--epsilon",
            metavar="X",
            rich_help_panel=MODEL,
            help="Added to the root of the second moment. [default: {epsilon}]",
        ),
    ] = None
    tol: Annotated[
        float | None,
        typer.Option(
            "--tol",
            metavar="X",
            rich_help_panel=MODEL,
            help="Stop once an epoch changes the cost by no more than this share of it (adam: "
            "five epochs in a row). For exact it is the relative residual. [default: {tol}]",
        ),
    ] = None
    penalty: Annotated[
        str | None,
        typer.Option(
            "--penalty",
            metavar="mean|sum",
            rich_help_panel=MODEL,
            help="The scale of every lambda; with it all methods minimise one and the same cost. "
            "[default: {penalty}]",
        ),
    ] = None

    noise: Annotated[
        str,
        typer.Option(
            "--noise",
            metavar="one|user",
            rich_help_panel=MODEL,
            help="One noise for all ratings, or one for each user, learned with lambda by exact. "
            "Consistent users then count more, and prediction intervals fit each user.",
        ),
    ] = "one"

    def chosen(self) -> "tuple[Method, float | None]":
        """The method with its options, and the tolerance that is left for the loop around it.

        Raises:
            OptionError: there is no such method, or it does not have an option.
        """
        from mlbias.fitting.fit import method_with

        own = {"lr": self.lr, "beta1": self.beta1, "beta2": self.beta2, "epsilon": self.epsilon}
        return method_with(self.method, own, self.tol)

    def settings(self, lambdas: "LambdaOptions") -> "Settings":
        """How to fit, with every default filled in.

        Raises:
            OptionError: options are out of range, or do not go together.
        """
        from mlbias.fitting.record import Settings, noise_of

        method, tol = self.chosen()
        regularisation = lambdas.regularisation(method, self.penalty)
        return Settings.of(method, regularisation, self.epochs, tol, noise_of(self.noise))


@dataclass(frozen=True, slots=True)
class LambdaOptions:
    """λ of both sides or of each."""

    lambda_: Annotated[
        str | None,
        typer.Option(
            "--lambda",
            metavar="X|auto",
            rich_help_panel=MODEL,
            help="Regularisation of both biases. On the mean scale it is multiplied with the mean "
            "of the squared biases and added to the mean squared error; on the sum scale with "
            "their sum, so that it is added to the counts. auto learns both from the ratings, by "
            "restricted maximum likelihood. [default: {lambda}]",
        ),
    ] = None
    lambda_user: Annotated[
        float | None,
        typer.Option(
            "--lambda-user",
            metavar="X",
            rich_help_panel=MODEL,
            help="λ of the users. [default: as --lambda]",
        ),
    ] = None
    lambda_item: Annotated[
        float | None,
        typer.Option(
            "--lambda-item",
            metavar="X",
            rich_help_panel=MODEL,
            help="λ of the items. [default: as --lambda]",
        ),
    ] = None

    def both(self) -> float | Literal["auto"] | None:
        """λ of both sides as it was given.

        Raises:
            OptionError: it is neither a number nor auto.
        """
        from mlbias.core.regularisation import parse_lambda

        return None if self.lambda_ is None else parse_lambda(self.lambda_)

    def regularisation(self, method: "Method", scale: str | None) -> "Regularisation":
        """What the λ's mean with this method, on this scale or the method's own.

        Raises:
            OptionError: a λ is out of range, or the options do not go together.
        """
        from mlbias.core.regularisation import Regularisation

        return Regularisation.of(method, scale, self.both(), self.lambda_user, self.lambda_item)


def check_file(path: Path | None) -> Path | None:
    """Refuse what is no place for a file: a FIFO blocks, a device loses or replaces.

    Raises:
        OptionError: it is such a thing.
    """
    if path is None:
        return None
    if path.name == "-" and len(path.parts) == 1:
        raise OptionError("a model is a file; it is neither standard input nor standard output.")
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        mode = None
    special = mode is not None and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    if special or path.is_relative_to("/dev") or path.is_relative_to("/proc"):
        raise OptionError(f"{path} is a device, a pipe or a socket; a model is a regular file.")
    return path


def _model_file(context: typer.Context, param: typer.CallbackParam, path: Path) -> Path:
    """The model's file: by default in the folder of data sets, where the environment names one."""
    source = context.get_parameter_source(param.name or "")
    folder = os.environ.get("MLBIAS_DATA_DIR")
    is_default = source is not None and source.name in ("DEFAULT", "DEFAULT_MAP")
    checked = check_file(Path(folder) / DEFAULT_MODEL.name if is_default and folder else path)
    assert checked is not None
    return checked


ModelPath = Annotated[
    Path,
    typer.Option(
        "--model",
        metavar="FILE",
        envvar="MLBIAS_MODEL",
        rich_help_panel=OUTPUT,
        callback=_model_file,
        help="The model's file.",
    ),
]
OtherModelPath = Annotated[
    Path | None,
    typer.Option(
        "--against",
        metavar="FILE",
        rich_help_panel=OUTPUT,
        callback=check_file,
        help="Another model's file, to say by how much the two differ on the same ratings.",
    ),
]
DEFAULT_MODEL = Path("data/model.npz")
