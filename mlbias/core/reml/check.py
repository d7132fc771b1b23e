"""What probes say of an estimate by the expansion of the traces."""

from dataclasses import dataclass

# A λ should be known at least as well as this, relatively ...
TOLERABLE = 0.001
# ... or as this share of its standard error.
TOLERABLE_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Check:
    """By what the estimate was checked.

    Attributes:
        n_probes: of each side; 0 where nothing had to be probed, since the traces are exact.
        lambda_user, lambda_item: by how much the λ's of the expansion are off, relatively.
        lambda_user_error, lambda_item_error: standard errors of the λ's that the probes leave,
            relatively; widened for few probes, so that three of them cover 99.7 %.
        is_corrected: whether the λ's are the probes' and not the expansion's.
        is_known: whether both λ's are known to 0.1 % or to a fiftieth of their standard error.
        user_stderr, item_stderr: by how much error bars of a few users and of a few items are off
            at most, relatively.
    """

    n_probes: int
    lambda_user: float = 0.0
    lambda_item: float = 0.0
    lambda_user_error: float = 0.0
    lambda_item_error: float = 0.0
    is_corrected: bool = False
    is_known: bool = True
    user_stderr: float = 0.0
    item_stderr: float = 0.0
