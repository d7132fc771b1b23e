"""Write docs/reference/cli.md from the commands themselves: `python -m docs.make_cli_reference`."""

from pathlib import Path
from typing import Any

from mlbias.cli.command import LazyGroup
from mlbias.cli.options.method_defaults import method_defaults

PAGE = Path(__file__).parent / "reference" / "cli.md"

_INTRODUCTION = """\
# Command line

<!-- Made by `python -m docs.make_cli_reference`; do not edit. -->

Every command has `--help`, which shows the same text. `mlbias --version` prints the version.
[Scripts and CI](../how-to/scripts.md) has the exit codes, [JSON documents](json.md) what `--json`
prints.
"""


def cli_reference() -> str:
    """The page."""
    group = LazyGroup(name="mlbias")
    parts = [_INTRODUCTION]
    for name in group.names:
        parts += _sections(f"mlbias {name}", group.get_command(None, name))
    return "\n".join(parts)


def _sections(name: str, command: Any) -> list[str]:
    """A command, and the commands below it."""
    text, _, example = command.help.partition("Example: ")
    parts = [f"## {name}\n", _plain(text.strip()) + "\n", f"```\n{example.strip()}\n```\n"]
    groups: dict[str, list[Any]] = {}
    for param in command.params:
        if not getattr(param, "hidden", False):
            groups.setdefault(getattr(param, "rich_help_panel", None) or "Other", []).append(param)
    for group, params in groups.items():
        parts.append(f"| {group} | |\n|---|---|")
        parts += [f"| {_names(param)} | {_meaning(param)} |" for param in params]
        parts.append("")
    for below, sub in getattr(command, "commands", {}).items():
        parts += _sections(f"{name} {below}", sub)
    return parts


def _names(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{param.metavar or param.name.upper()}`"
    metavar = "" if param.is_flag or not param.metavar else f" {param.metavar}"
    return "`" + ", ".join(param.opts).replace("|", "\\|") + metavar.replace("|", "\\|") + "`"


def _meaning(param: Any) -> str:
    text = param.help or ""
    for name, default in method_defaults().items():
        text = text.replace(f"{{{name}}}", default)
    if param.default not in (None, False, ()) and "[default" not in text:
        text += f" [default: {param.default}]"
    if getattr(param, "envvar", None):
        text += f" [environment variable: {param.envvar}]"
    return _plain(text.strip()).replace("|", "\\|")


def _plain(text: str) -> str:
    """The text on one line a paragraph, as Markdown has it."""
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    return "\n\n".join(paragraphs).replace("*", "\\*").replace("<", "\\<")


if __name__ == "__main__":
    PAGE.write_text(cli_reference(), encoding="utf-8")
