"""Ids that a model does not know only because they are written differently."""

from mlbias.ids import Ids, TextIds, as_text, positions
from mlbias.model import BiasModel
from mlbias.ratings import Ratings


def unmatched_ids(model: BiasModel, ratings: Ratings) -> list[str]:
    """A sentence for each side of which most ids are unknown, and would be known as integers.

    That is so where one file has 01, 1.0 or "1" in quotation marks for the other's 1.
    """
    found = []
    for side, ids, known in (
        ("user", ratings.user_ids, model.user_ids),
        ("item", ratings.item_ids, model.item_ids),
    ):
        places = positions(ids, known)
        n_unknown = int((places < 0).sum())
        if 2 * n_unknown <= len(ids):
            continue
        plain = _as_integers(ids)
        matches = (positions(plain, _as_integers(known)) >= 0) & (places < 0)
        if 2 * int(matches.sum()) > n_unknown:
            row = int(matches.argmax())
            found.append(
                f"{n_unknown:,} of {len(ids):,} {side}s are unknown to the model, but most would be "
                f"known if ids such as {ids[row]!r} were written as {plain[row]!r}"
            )
    return found


def _as_integers(ids: Ids) -> TextIds:
    """Ids without blanks, byte order marks and quotation marks, zeros in front and .0 behind."""
    bare = as_text(ids).str.strip_chars(' \t\ufeff"')
    whole = bare.str.replace(r"^\+?(-?[0-9]+)(\.0*)?$", "$1")
    return TextIds(whole.str.replace(r"^(-?)0+([0-9])", "$1$2"))
