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


class MlbiasError(Exception):
    """Base of all errors of mlbias.

    Args:
        message: what is wrong, where, expected and found.
        advice: what to do about it; empty if the message says enough.
    """

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


class DataError(MlbiasError):
    """Ratings cannot be read, written or used."""


class BadRowError(DataError):
    """A row is not a rating: a field is missing, or is not what its column holds."""


class DownloadError(MlbiasError):
    """An archive cannot be fetched or unpacked."""


class BadArchiveError(DownloadError):
    """An archive is not the one that was asked for, is damaged, or would do harm."""


class ModelFileError(MlbiasError):
    """A model file is missing, damaged, of a newer format, or no model at all."""


class OptionError(MlbiasError, ValueError):
    """Options contradict each other or are out of range."""


class DivergenceError(MlbiasError):
    """Training moved away from the optimum.

    Args:
        message, advice: as in MlbiasError.
        epoch: the epoch in which it was seen.
    """

    def __init__(self, message: str, advice: str, epoch: int) -> None:
        super().__init__(message, advice)
        self.epoch = epoch
