"""A data set of the catalogue in one call."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlbias.arguments import checks_options
from mlbias.datasets.catalogue import DEFAULT_NAME, find_archive
from mlbias.datasets.sources import DATA_DIR
from mlbias.download.install import download
from mlbias.download.request import DownloadRequest


class _Silent:
    """Receives what there is to say, and says nothing."""

    def notice(self, text: str) -> None:
        """Drop it."""

    @contextmanager
    def progress(self, what: str, unit: str) -> Iterator["_Silent"]:  # noqa: ARG002
        """A bar that nobody sees."""
        yield self

    def update(self, done: int, total: int | None) -> None:
        """Drop it."""


@checks_options
def download_ratings(
    name: str = DEFAULT_NAME,
    *,
    data_dir: str | os.PathLike[str] = DATA_DIR,
    url: str | None = None,
    allow_bad_certificate: bool = False,
    force: bool = False,
    keep_archive: bool = False,
    timeout: float = 60.0,
) -> Path:
    """Download a MovieLens data set, verify it, and unpack it to a folder.

    Args:
        name: of the data set.
        data_dir: the folder of data sets; load_ratings finds it there by its name.
        url: a mirror: address or path of the archive, or of a folder that holds it.
        allow_bad_certificate: accept a certificate that has expired or is wrong, for archives
            whose SHA-256 is known.
        force: download it again.
        keep_archive: keep the zip archive as well.
        timeout: seconds of silence after which a connection is given up.

    Returns:
        The folder; a data set that is complete is left alone.

    Raises:
        OptionError: there is no such data set, or the mirror is not an address.
        DownloadError: it cannot be downloaded, or there is no room for it.

    Example:
        >>> from mlbias import OptionError, download_ratings
        >>> try:
        ...     download_ratings("ml-24m")
        ... except OptionError as error:
        ...     print(error, error.advice)
        there is no data set 'ml-24m' in the catalogue. Did you mean ml-32m?
    """
    request = DownloadRequest(
        archive=find_archive(name),
        data_dir=Path(data_dir),
        mirror=url,
        trust_any_certificate=allow_bad_certificate,
        replace=force,
        keep_archive=keep_archive,
        timeout=timeout,
    )
    download(request, _Silent())
    return request.folder
