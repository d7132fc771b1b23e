"""Options from Python, checked against the types that a function declares for them.

The command line's options have their types already; those of a call may be anything.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache, wraps
from inspect import Signature, signature
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from mlbias.errors import OptionError

P = ParamSpec("P")
R = TypeVar("R")

# What each type is in words, and whose instances count; a bool is no number.
_KINDS: dict[Any, tuple[str, Any]] = {
    float: ("a number", Real),
    int: ("an integer", Integral),
    bool: ("True or False", bool),
    str: ("text", str),
    os.PathLike: ("a path", os.PathLike),
    Mapping: ("a mapping such as a dict", Mapping),
    Callable: ("a function", Callable),
}
# Characters of a value in a message.
_LONGEST = 60


def checks_options(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function refuse arguments of other types than it declares, in a sentence.

    Types that are not known here, such as frames, are left to the function.

    Raises:
        OptionError: an argument has another type.
    """

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        found, hints = _declared(function)
        try:
            given = found.bind(*args, **kwargs).arguments
        except TypeError:  # Python's own words name the function
            return function(*args, **kwargs)
        for name, value in given.items():
            if name in hints:
                check_type(name, value, hints[name])
        return function(*args, **kwargs)

    return checked


def check_type(name: str, value: object, expected: Any) -> None:
    """Check that an argument has the type that is declared for it.

    Raises:
        OptionError: it does not.
    """
    if not _fits(value, expected):
        shown = repr(value) if isinstance(value, str | int | float | list | NoneType) else ""
        if not shown or "\n" in shown or len(shown) > _LONGEST:
            shown = article(type(value).__name__)
        raise OptionError(f"`{name}` is {_words(expected)}, not {shown}.")


def article(noun: str) -> str:
    """The noun with a or an in front."""
    return f"{'an' if noun[0] in 'aeiouAEIOU' else 'a'} {noun}"


@cache
def _declared(function: Callable[..., object]) -> tuple[Signature, dict[str, Any]]:
    return signature(function), get_type_hints(function)


def _fits(value: object, expected: Any) -> bool:
    origin = get_origin(expected) or expected
    if origin in (Any, Iterable):
        return True
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in get_args(expected))
    if origin is Literal:
        return isinstance(value, str) and value in get_args(expected)
    if origin is Sequence:
        # An array is a sequence too, though not by its class.
        if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
            return False
        return all(_fits(each, get_args(expected)[0]) for each in value)
    if origin in _KINDS:
        is_odd = isinstance(value, bool) and origin in (int, float)
        return isinstance(value, _KINDS[origin][1]) and not is_odd
    if getattr(origin, "_is_protocol", False):
        return is_dataclass(value)
    return not isinstance(origin, type) or isinstance(value, origin)


def _words(expected: Any, *, several: bool = False) -> str:
    """What is expected; of ``several``, in the plural."""
    origin = get_origin(expected) or expected
    if origin in (Union, UnionType):
        parts = [each for each in get_args(expected) if each is not NoneType]
        *before, last = dict.fromkeys(_words(each, several=several) for each in parts)
        comma = "," if any(" or " in each for each in before) else ""
        return f"{', '.join(before)}{comma} or {last}" if before else last
    if origin is Literal:
        return " or ".join(map(repr, get_args(expected)))
    if origin is Sequence:
        return f"a list of {_words(get_args(expected)[0], several=True)}"
    words = _KINDS[origin][0] if origin in _KINDS else article(origin.__name__)
    is_plural = several and words.startswith(("a ", "an "))
    return f"{words.split()[1]}s" if is_plural else words
