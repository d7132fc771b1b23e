"""The methods by name. A new one is a file of its own and a line here.

Named as text, so that the names can be listed without NumPy, which takes long to import.
"""

from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import TYPE_CHECKING

from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.core.methods.protocol import Method

METHODS = {
    "gd": "gd.GradientDescent",
    "adam": "adam.Adam",
    "closed-form": "closed_form.ClosedForm",
    "exact": "exact.Exact",
}
DEFAULT_METHOD = "closed-form"


def load_method(name: str) -> "type[Method]":
    """The method of this name, a dataclass; call it with its options.

    Raises:
        OptionError: there is no such method.
    """
    if name not in METHODS:
        raise OptionError(f"there is no method {name!r}; the methods are {', '.join(METHODS)}.")
    module, _, class_name = METHODS[name].partition(".")
    found: type[Method] = getattr(import_module(f"{__name__}.{module}"), class_name)
    return found


def make_method(name: str, options: Mapping[str, float | None] | None = None) -> "Method":
    """A method with its options; those that are None or not given have its own defaults.

    Raises:
        OptionError: there is no such method, it has no such option, or a value is out of range.
    """
    method = load_method(name)
    given = {option: value for option, value in (options or {}).items() if value is not None}
    for option in given:
        if option not in option_names(name):
            raise OptionError(_belongs_elsewhere(name, option))
    return method(**given)


def option_names(name: str) -> tuple[str, ...]:
    """The options that the method of this name has: its fields."""
    return tuple(field.name for field in fields(load_method(name)))  # type: ignore[arg-type]


def _belongs_elsewhere(name: str, option: str) -> str:
    having = [other for other in METHODS if option in option_names(other)]
    if not having:
        return f"`{option}` is an option of no method."
    belongs = f"`{option}` belongs to {' and '.join(having)}"
    return f"{belongs}; {name} has no such option."
