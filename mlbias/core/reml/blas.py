"""Dense algebra on one thread, so that its last bits do not depend on how many there are."""

from threadpoolctl import ThreadpoolController, threadpool_limits

_found: list[ThreadpoolController] = []


def one_thread() -> threadpool_limits:
    """A context in which BLAS uses one thread."""
    if not _found:  # looking for the libraries takes some milliseconds
        import scipy.linalg.lapack  # noqa: F401  so that its library is among them

        _found.append(ThreadpoolController())
    return _found[0].limit(limits=1, user_api="blas")
