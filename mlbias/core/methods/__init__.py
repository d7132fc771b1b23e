"""The methods by name. A new one is a file of its own and a line here."""

from mlbias.core.methods.adam import Adam
from mlbias.core.methods.closed_form import ClosedForm
from mlbias.core.methods.gd import GradientDescent
from mlbias.core.methods.protocol import Iterate, Method

METHODS: dict[str, type[Method]] = {
    method.name: method for method in (GradientDescent, Adam, ClosedForm)
}

__all__ = ["METHODS", "Adam", "ClosedForm", "GradientDescent", "Iterate", "Method"]
