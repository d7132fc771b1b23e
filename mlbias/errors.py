"""Every error that mlbias raises on purpose.

    MlbiasError
    ├── DataError            ratings that cannot be read, written or used, and where
    │   └── BadRowError      one row that is not a rating
    ├── DownloadError        an archive that cannot be fetched, or for which there is no room
    │   └── BadArchiveError  one that is not what it should be
    ├── ModelFileError       a file that is no model, is damaged, or is too new
    ├── OptionError          options that do not go together (also a ValueError)
    └── DivergenceError      training that moved away from the optimum

The message is one sentence on what is wrong and where. What to do about it, if there is anything
to say, is ``advice``; the command line prints it on a line of its own.
"""

from mlbias.printable import printable

# Characters of a message: no site and no file name may fill the screen.
LONGEST_MESSAGE = 1000


class MlbiasError(Exception):
    """Base of all errors of mlbias. Control characters in what it quotes are escaped.

    Args:
        message: what is wrong, where, expected and found.
        advice: what to do about it; empty if the message says enough.

    Example:
        >>> from mlbias import MlbiasError, load_ratings
        >>> try:
        ...     load_ratings("no such file.csv")
        ... except MlbiasError as error:
        ...     print(error)
        there is no file, folder or data set 'no such file.csv'.
    """

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(printable(message, LONGEST_MESSAGE))
        self.advice = printable(advice, LONGEST_MESSAGE)


class DataError(MlbiasError):
    """Ratings cannot be read, written or used.

    Example:
        >>> from mlbias import DataError, Ratings
        >>> try:
        ...     Ratings.from_ids([1, 2], [10, 20], [4.0, None])
        ... except DataError as error:
        ...     print(error)
        row 1: the rating is missing
    """


class BadRowError(DataError):
    r"""A row is not a rating: a field is missing, or is not what its column holds.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from mlbias import BadRowError, load_ratings
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "ratings.csv")
        ...     _ = path.write_text("1,10,4\n2,10,four\n")
        ...     try:
        ...         load_ratings(path)
        ...     except BadRowError as error:
        ...         print(str(error).removeprefix(folder))
        /ratings.csv, line 2, column 3: rating 'four' is not a number (user 2, item 10).
    """


class DownloadError(MlbiasError):
    """An archive cannot be fetched or unpacked.

    Example:
        >>> from mlbias import DownloadError
        >>> issubclass(DownloadError, Exception)
        True
    """


class BadArchiveError(DownloadError):
    """An archive is not the one that was asked for, is damaged, or would do harm."""


class ModelFileError(MlbiasError):
    """A model file is missing, damaged, of a newer format, or no model at all.

    Example:
        >>> from mlbias import ModelFileError, load_model
        >>> try:
        ...     load_model("no such model.npz")
        ... except ModelFileError as error:
        ...     print(error)
        there is no model no such model.npz.
    """


class OptionError(MlbiasError, ValueError):
    """Options contradict each other or are out of range.

    Example:
        >>> from mlbias import OptionError, fit, load_ratings
        >>> try:
        ...     fit(load_ratings("sample"), "closed-form", lr=0.1)
        ... except OptionError as error:
        ...     print(error)
        `lr` belongs to gd and adam; closed-form has no such option.
    """


class DivergenceError(MlbiasError):
    """Training moved away from the optimum.

    Args:
        message, advice: as in MlbiasError.
        epoch: the epoch in which it was seen.

    Example:
        >>> from mlbias import DivergenceError, fit, load_ratings
        >>> try:
        ...     fit(load_ratings("sample"), "gd", lr=1000)
        ... except DivergenceError as error:
        ...     print(error.epoch)
        1
    """

    def __init__(self, message: str, advice: str, epoch: int) -> None:
        super().__init__(message, advice)
        self.epoch = epoch
