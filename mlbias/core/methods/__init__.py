"""The methods by name. A new one is a file of its own and a line here.

Named as text, so that the names can be listed without NumPy, which takes long to import.
"""

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


def make_method(name: str, learning_rate: float | None = None) -> "Method":
    """A method with its options, those that are None at their defaults.

    Raises:
        OptionError: there is no such method, it has no such option, or a value is out of range.
    """
    method = load_method(name)
    if learning_rate is None:
        return method()
    if not _has_learning_rate(name):
        having = " and ".join(other for other in METHODS if _has_learning_rate(other))
        raise OptionError(f"{name} has no learning rate (lr); {having} have one.")
    if not 0 < learning_rate < float("inf"):
        raise OptionError(
            f"the learning rate (lr) must be above 0 and finite, not {learning_rate:g}."
        )
    return method(learning_rate=learning_rate)  # type: ignore[call-arg]


def _has_learning_rate(name: str) -> bool:
    options = fields(load_method(name))  # type: ignore[arg-type]
    return "learning_rate" in {field.name for field in options}
