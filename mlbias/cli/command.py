"""Commands as Typer runs them: loaded when they are named, checked, with help in groups."""

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from mlbias.cli.options.engine import check_engine

# Options that name data; where a shell expanded their pattern, more paths follow.
_DATA_OPTIONS = {"data", "train_file", "test_file"}


class Command(TyperCommand):
    """A command that takes each option once, and whose help groups the options, without boxes."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, but refuse first what the parser would take in silence."""
        args = _spelled_out(self, args)
        check_arguments(self, ctx, args)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write each group under its name."""
        write_groups(self.get_params(ctx), ctx, formatter)


class MethodCommand(Command):
    """Fills the methods' own defaults into the help, which alone has to load them."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help with the placeholders replaced."""
        from mlbias.cli.options.method_defaults import method_defaults

        for param in self.params:
            help_: str | None = getattr(param, "help", None)
            for name, text in method_defaults().items():
                help_ = help_ and help_.replace(f"{{{name}}}", text)
            setattr(param, "help", help_)  # noqa: B010 - only options have the attribute
        super().format_help(ctx, formatter)


class CommandGroup(TyperGroup):
    """A command that has commands below it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, but refuse first what the parser would take in silence."""
        check_arguments(self, ctx, args)
        return super().parse_args(ctx, args)


class LazyGroup(TyperGroup):
    """Commands by name, each module loaded when its command is named."""

    names: Sequence[str] = (
        "download", "baseline", "train", "evaluate", "predict", "biases", "show", "crossval",
        "compare", "report", "generate", "cache",
    )  # fmt: skip

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse, `mlbias help train` as `mlbias train --help`."""
        if args[:1] == ["help"]:
            args = [*args[1:], "--help"]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """In the order in which one needs them."""
        return list(self.names)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first argument names; a wrong name is answered with the nearest."""
        near = get_close_matches(args[0], self.names, n=1)
        if args[0] not in self.names and near:
            ctx.fail(f"There is no command '{args[0][:60]}'. Did you mean {near[0]}?")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """The command of this name; None if there is none."""
        if cmd_name not in self.names:
            return None
        module = import_module(f"mlbias.cli.commands.{cmd_name}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command


def command_app(function: Any, cls: type[Command] = Command) -> typer.Typer:
    """A command alone, as a LazyGroup loads it."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(cls=cls)(function)
    return app


def _spelled_out(command: Any, args: list[str]) -> list[str]:
    """``--option A B`` as ``--option A --option B``, of options that may be given several times."""
    several = {opt for param in command.params if param.multiple for opt in param.opts}
    found: list[str] = []
    current = ""
    for number, arg in enumerate(args):
        if arg.startswith("-") and arg != "-":
            current = arg if arg in several else ""
        elif current and args[number - 1] != current:
            found.append(current)
        found.append(arg)
    return found


def check_arguments(command: Any, ctx: Any, args: list[str]) -> None:
    """Refuse an option with one value that is given twice, and the paths of an expanded pattern."""
    if ctx.resilient_parsing:
        return
    parsed, rest, order = command.make_parser(ctx).parse_args(args=list(args))
    seen = set()
    for param in order:
        takes_one = not getattr(param, "is_flag", False) and not getattr(param, "multiple", False)
        if param.name in seen and takes_one:
            ctx.fail(f"Option '{param.opts[0]}' takes one value and is given more than once.")
        seen.add(param.name)
    check_engine(parsed, [param.name for param in command.params])
    takes_more = isinstance(command, TyperGroup) or any(
        param.param_type_name == "argument" for param in command.params
    )
    if rest and not takes_more and not _DATA_OPTIONS & parsed.keys() and _takes_data(command):
        ctx.fail(f"Got '{rest[0][:60]}'. Did you mean --data {rest[0][:60]}?")
    if rest and not takes_more and _DATA_OPTIONS & parsed.keys():
        ctx.fail(
            f"Got more than one path ({rest[0][:60]}). If the shell expanded a pattern, quote it: "
            "--data 'ratings-*.csv'."
        )


def _takes_data(command: Any) -> bool:
    return any(param.name == "data" for param in command.params)


def write_groups(params: Sequence[Any], ctx: Any, formatter: Any) -> None:
    """Write the help of options, each group under its name."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for param in params:
        record = param.get_help_record(ctx)
        if record is not None:
            group = getattr(param, "rich_help_panel", None) or "Other"
            groups.setdefault(group, []).append(record)
    for name, records in groups.items():
        with formatter.section(name):
            formatter.write_dl(records)
