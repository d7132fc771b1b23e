"""What is held out: a part of the ratings, or a file of its own."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from mlbias.cli.options.spread import HOLDOUT
from mlbias.errors import OptionError

if TYPE_CHECKING:
    from mlbias.evaluation.holdout import Holdout

_TENTH = 0.1


@dataclass(frozen=True, slots=True)
class HoldoutOptions:
    """A part of the ratings that is held out, or a pair of files."""

    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="random|user|time",
            rich_help_panel=HOLDOUT,
            help="What --test-size holds out: random ratings, by a hash of user, item and seed; "
            "the last ones of each user; or the latest of all. [default: random]",
        ),
    ] = None
    test_size: Annotated[
        float | None,
        typer.Option(
            "--test-size",
            metavar="SHARE",
            rich_help_panel=HOLDOUT,
            help="Hold out about this share of the ratings and report the errors on them. With "
            "--split user it may also be a number of ratings of each user.",
        ),
    ] = None
    test_from: Annotated[
        str | None,
        typer.Option(
            "--test-from",
            metavar="DATE",
            rich_help_panel=HOLDOUT,
            help="Hold out the ratings from this date on: 2015-03-31 (UTC), 2015 or a timestamp.",
        ),
    ] = None
    pick: Annotated[
        str | None,
        typer.Option(
            "--pick",
            metavar="last|random",
            rich_help_panel=HOLDOUT,
            help="Which ratings --split user holds out. [default: last]",
        ),
    ] = None
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            metavar="N",
            rich_help_panel=HOLDOUT,
            help="Seed of the random hold-out. [default: 0]",
        ),
    ] = None
    train_file: Annotated[
        str | None,
        typer.Option(
            "--train",
            metavar="WHAT",
            rich_help_panel=HOLDOUT,
            help="The training file, instead of --data, if the hold-out is a file of its own; see"
            " --test.",
        ),
    ] = None
    test_file: Annotated[
        str | None,
        typer.Option(
            "--test",
            metavar="WHAT",
            rich_help_panel=HOLDOUT,
            help="Hold out the ratings of this file, and train on all of --train; as "
            "--train ml-100k.zip/ml-100k/u1.base --test ml-100k.zip/ml-100k/u1.test.",
        ),
    ] = None

    def or_tenth(self) -> "HoldoutOptions":
        """The same, but with a tenth of the ratings where nothing else is to be held out."""
        if self.test_file is None and self.test_size is None and self.test_from is None:
            return replace(self, test_size=_TENTH)
        return self

    def wanted(self) -> "Holdout | None":
        """What is held out of one source; None for nothing.

        Raises:
            OptionError: an option is out of range, or does not go with the others.
        """
        from mlbias.evaluation.holdout import Holdout

        return Holdout.of(self.split, self.test_size, self.test_from, self.pick, self.seed)

    def training_data(self, data: str | None) -> str | None:
        """What to train on: --train where there is one, else --data.

        Raises:
            OptionError: --train, --test, --data and the options of a split do not go together.
        """
        choosing = (self.split, self.test_size, self.test_from, self.pick, self.seed)
        if self.train_file is not None and self.test_file is None:
            raise OptionError("--train goes with --test; without a hold-out use --data.")
        if self.train_file is not None and data is not None:
            raise OptionError("--train takes the place of --data; give one of them.")
        if self.test_file is not None and any(option is not None for option in choosing):
            raise OptionError(
                "--test is the hold-out; it goes without the options that choose one: --split, "
                "--test-size, --test-from, --pick and --seed."
            )
        if self.test_file == "-" and self.train_file == "-":
            raise OptionError("--train and --test cannot both be standard input.")
        return data if self.train_file is None else self.train_file
