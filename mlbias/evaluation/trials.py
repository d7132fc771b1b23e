"""What cross-validation found: settings on every fold."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from mlbias.core.scores import Difference, GroupedErrors
from mlbias.fitting.record import Settings


@dataclass(frozen=True, slots=True)
class FoldScore:
    """How settings did on one fold.

    Attributes:
        n_test: ratings in the fold, which were predicted.
        rmse, mae: of them.
        lambda_user, lambda_item: given or learned, None where infinite.
    """

    n_test: int
    rmse: float
    mae: float
    lambda_user: float | None
    lambda_item: float | None


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and standard deviation over folds.

    Attributes:
        mean: of the folds' values.
        sd: their standard deviation, with n - 1.
    """

    mean: float
    sd: float


class Trial:
    """Settings tried on every fold.

    Attributes:
        settings: what was tried.
        folds: the scores, in the order of the folds.
        errors: of all folds together, per user.
    """

    def __init__(
        self, settings: Settings, folds: Sequence[FoldScore], errors: GroupedErrors
    ) -> None:
        self.settings = settings
        self.folds = tuple(folds)
        self.errors = errors

    @property
    def rmse(self) -> Spread:
        """Over folds."""
        return _spread([fold.rmse for fold in self.folds])

    @property
    def mae(self) -> Spread:
        """Over folds."""
        return _spread([fold.mae for fold in self.folds])

    def above(self, best: "Trial") -> Difference:
        """By how much the RMSE over all folds together is above another's."""
        return self.errors.above(best.errors)


def _spread(values: list[float]) -> Spread:
    return Spread(fmean(values), stdev(values))
