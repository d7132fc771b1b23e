"""Work on a pool of threads whose results come in the order of the work."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_order(run: Callable[[Job], Result], jobs: Iterable[Job], threads: int) -> Iterator[Result]:
    """Yield what ``run`` makes of each job, a few jobs ahead of the one that is yielded.

    Args:
        run: called on the threads of a pool.
        jobs: taken one after the other, in the caller's thread.
        threads: how many cores there are to work on.
    """
    # One more than there are cores, since each waits while Polars' own threads work for it.
    workers = threads + 1 if threads > 1 else 1
    ahead: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for job in jobs:
                ahead.append(pool.submit(run, job))
                if len(ahead) > workers:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()
