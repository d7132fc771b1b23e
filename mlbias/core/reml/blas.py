"""Dense algebra on one thread, so that its last bits do not depend on how many there are."""

from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[Any]:
    """A context in which BLAS uses one thread."""
    limit: AbstractContextManager[Any] = _libraries().limit(limits=1, user_api="blas")
    return limit


@cache
def _libraries() -> "ThreadpoolController":
    """The libraries for dense algebra that are loaded; looking for them takes some milliseconds."""
    import scipy.linalg.lapack  # noqa: F401  so that its library is among them
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
