"""The methods' own defaults, read from their fields, as --help shows them."""

from typing import Any

from mlbias.core.methods import METHODS, make_method
from mlbias.core.methods.protocol import options_of


def method_defaults() -> dict[str, str]:
    """By the name of an option: each method that has it, with its default."""
    methods = {name: make_method(name) for name in METHODS}
    defaults: dict[str, dict[str, Any]] = {
        "epochs": {name: method.default_epochs for name, method in methods.items()},
        "penalty": {name: method.default_penalty for name, method in methods.items()},
        "lambda": {
            name: "auto" if method.default_lambda is None else method.default_lambda
            for name, method in methods.items()
        },
    }
    for name, method in methods.items():
        for option, value in options_of(method).items():
            defaults.setdefault(option, {})[name] = f"{value:g}"
    return {
        option: ", ".join(f"{name} {value}" for name, value in each.items())
        for option, each in defaults.items()
    }
