"""Leave-one-out, and the scale fitted to it, of ratings in parts: in one round."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlbias.core.compact import UserRuns
from mlbias.core.leave_one_out import LeaveOneOut, LeftOutSums, left_out_sums
from mlbias.core.left_out_scale import distinct_values, left_out_sample, sampled, scale_of
from mlbias.core.model import Parameters
from mlbias.core.ordinal import MOST_VALUES, OrdinalScale
from mlbias.core.reml.noise_prior import UserNoise
from mlbias.core.reml.posterior import Posterior
from mlbias.core.scores import GroupedErrors
from mlbias.core.vectors import FloatArray
from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.engines.parts import Call, Part

Places = NDArray[np.intp]


def left_out_in_parts(
    incidence: PartitionedIncidence,
    at: Parameters,
    known: Posterior,
    noise: float | UserNoise | None,
    n_parameters: float | None,
) -> tuple[LeaveOneOut | None, OrdinalScale | None]:
    """Leave-one-out and the scale; see leave_one_out and learn_scale.

    Args:
        incidence: the ratings that the optimum is of.
        at: the optimum at λ's above 0, alpha in the ratings' own units.
        known: of the inverse there.
        noise: σ², or each user's; None for no scale.
        n_parameters: the effective number of parameters.
    """
    here = sampled(len(incidence)) if noise is not None else np.empty(0, np.intp)
    samples = _samples(incidence, here)
    answers = incidence.ask(_LEFT_OUT, [
        _Asked(
            Parameters(at.alpha, at.user_bias[users], at.item_bias[items]),
            known.at(users.astype(np.intp), items.astype(np.intp)),
            noise.at(users) if isinstance(noise, UserNoise) else noise,
            local,
        )
        for (users, items), (_, local) in zip(incidence.places, samples, strict=True)
    ])  # fmt: skip
    both = zip(answers, incidence.places, samples, strict=True)
    parts = [(answer, users, whole) for answer, (users, _), (whole, _) in both if answer]
    if any(answer.sums is None for answer, _, _ in parts):
        return None, None
    errors = [(answer.sums.errors, users) for answer, users, _ in parts if answer.sums]
    left = sum(answer.sums.left for answer, _, _ in parts if answer.sums)
    sums = LeftOutSums(GroupedErrors.gathered(errors, len(incidence.user_ids)), left)
    found = sums.concluded(known.by, incidence.statistics.mean_rmse, n_parameters)
    return found, _scale([(answer, whole) for answer, _, whole in parts], len(here))


def _samples(incidence: PartitionedIncidence, here: Places) -> list[tuple[Places, Places]]:
    """For each part which of these places among all ratings are its own, and where they are there.

    The ratings ascend by user, as those in memory that were read from a source.
    """
    counts = incidence.statistics.user_counts
    starts = UserRuns.of_counts(counts).starts
    user = np.searchsorted(starts, here, side="right") - 1
    found = []
    for users, _ in incidence.places:
        own = np.searchsorted(users, user)
        whole = np.flatnonzero(np.append(users, -1)[own] == user)
        first = UserRuns.of_counts(counts[users]).starts[own[whole]]
        found.append((whole, first + here[whole] - starts[user[whole]]))
    return found


@dataclass(frozen=True, slots=True)
class _Asked:
    """The share of a part in what leave-one-out takes, and the places of its sample."""

    at: Parameters
    known: Posterior
    noise: float | UserNoise | None
    sample: Places


@dataclass(frozen=True, slots=True)
class _Found:
    """What a part gives; None for sums that rounding ate, and for more values than a scale has."""

    sums: LeftOutSums | None
    values: FloatArray | None = None
    sample: FloatArray | None = None


def _left_out(part: Part, asked: _Asked) -> _Found:
    ratings = part.ratings()
    sums = left_out_sums(ratings, asked.at, asked.known, threads=1)
    if sums is None or asked.noise is None:
        return _Found(sums)
    sample = np.empty((3, 0))
    if len(asked.sample):
        of_part = left_out_sample(ratings, asked.at, asked.known, asked.noise, asked.sample)
        assert of_part is not None  # as the sums are known
        sample = of_part
    return _Found(sums, distinct_values(ratings.value_column, threads=1), sample)


_LEFT_OUT: Call[_Asked, _Found] = Call(_left_out, values=True)


def _scale(parts: list[tuple[_Found, Places]], n_sampled: int) -> OrdinalScale | None:
    """The scale of samples from all parts, each with its places among all."""
    sample, values = np.empty((3, n_sampled)), np.empty(0)
    for found, whole in parts:
        if found.values is None or found.sample is None:
            return None
        values = np.union1d(values, found.values)
        sample[:, whole] = found.sample
    return scale_of(values, sample) if 2 <= len(values) <= MOST_VALUES else None
