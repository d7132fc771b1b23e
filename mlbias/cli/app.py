"""The command line: its commands, and the only map from errors to exit codes."""

import gc
import os
import sys
from typing import Annotated, Any

import typer

from mlbias import __version__
from mlbias.cli.command import LazyGroup
from mlbias.cli.signals import Stopped, exit_code, ignore_signals
from mlbias.errors import MlbiasError, OptionError
from mlbias.printable import printable

_DATA_OR_ENVIRONMENT, _USAGE, _BROKEN_PIPE = 1, 2, 141
# Characters of a usage error.
_LONGEST = 240

_WELCOME = """\
mlbias fits the baseline of recommenders: rating = alpha + user bias + item bias.

  mlbias train --data sample    train on generated ratings, a row each epoch
  mlbias evaluate               score the model that was trained last
  mlbias download               fetch MovieLens ml-25m, which train then takes

mlbias COMMAND --help says more, with an example for each command."""

app = typer.Typer(
    cls=LazyGroup,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mlbias {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _app(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does all
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """The rating-bias baseline for recommenders: rating = alpha + user bias + item bias.

    Example: mlbias train --data sample
    """
    if context.invoked_subcommand is None:
        typer.echo(_WELCOME)


def main() -> None:
    """Run the command line and exit: 0 done, 1 data or environment, 2 usage, 130 or 143 signal."""
    # A command is over before cyclic garbage would matter. To look for it takes longer.
    gc.disable()
    # Nothing here goes through BLAS, whose idle threads would only take turns with ours.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
        ignore_signals()  # all is done, and one now would end in the interpreter's own traceback
        sys.exit(code if isinstance(code, int) else 0)
    except MlbiasError as error:
        _fail(error, _USAGE if isinstance(error, OptionError) else _DATA_OR_ENVIRONMENT)
    except Stopped as stopped:
        ignore_signals()
        code = exit_code(stopped.number)
        _say_error("interrupted.", "", code)
        sys.exit(code)
    except BrokenPipeError:
        # Whoever read us has enough; the interpreter must not complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_BROKEN_PIPE)
    except OSError as error:
        _fail(_refused(error), _DATA_OR_ENVIRONMENT, error)
    except SystemExit:
        raise
    except BaseException as error:  # Polars' panics are no Exception
        if hasattr(error, "format_message"):  # Typer's usage errors, whose class moved about
            _fail_usage(error)
        _fail(_unforeseen(error), _DATA_OR_ENVIRONMENT, error)
    finally:
        gc.freeze()  # otherwise the interpreter looks for cyclic garbage as it ends


def _refused(error: OSError) -> MlbiasError:
    """Words for what the system did not let us do."""
    from mlbias.files import is_full

    why = error.strerror or error
    if is_full(error):
        return MlbiasError(f"{error.filename or 'standard output'} cannot be written: {why}.")
    about = f" ({error.filename})" if error.filename else ""
    return MlbiasError(f"the system refused: {why}{about}.")


def _unforeseen(error: BaseException) -> MlbiasError:
    """Words for an error that is none of ours: the machine is too small, or mlbias is at fault."""
    if isinstance(error, MemoryError):
        return MlbiasError("there is not enough memory for these ratings.")
    # Python's and Rust's words for it.
    if "start new thread" in str(error) or "spawn" in str(error):
        return MlbiasError(
            "the system lets this process start no more threads.",
            "Raise the limit: `ulimit -u`, or that of the container.",
        )
    return MlbiasError(
        f"a fault in mlbias: {type(error).__name__}: {error}.",
        "Run it again with --debug, and report what it prints.",
    )


def _fail(error: MlbiasError, code: int, cause: BaseException | None = None) -> None:
    if "--debug" in sys.argv:
        from mlbias.cli.show.failure import print_traceback

        print_traceback(cause or error)
    from mlbias.cli.show.text import with_options

    _say_error(with_options(str(error)), with_options(error.advice), code)
    ignore_signals()
    sys.exit(code)


def _fail_usage(error: Any) -> None:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "mlbias"
    message = printable(error.format_message(), _LONGEST)
    _say_error(message, f"`{command} --help` shows what there is.", error.exit_code)
    sys.exit(error.exit_code)


def _say_error(message: str, advice: str, code: int) -> None:
    """The error in words, or as a document where the result would have been one."""
    # Rich is loaded only when there is something to print with it.
    from mlbias.cli.show.failure import print_error, print_error_document

    if "--json" in sys.argv:
        print_error_document(message, advice, code)
    else:
        print_error(message, advice)
