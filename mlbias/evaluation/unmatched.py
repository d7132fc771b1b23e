"""Ids that are unknown in training only because they are written differently there."""

from mlbias.engines.partitioned import PartitionedIncidence
from mlbias.ids import Ids, TextIds, as_text, positions
from mlbias.ratings import Ratings


def unmatched_ids(
    ratings: Ratings | PartitionedIncidence, user_ids: Ids, item_ids: Ids, where: str = "training"
) -> list[str]:
    """A sentence for each side of which most ids are unknown, and would be known as integers.

    That is so where one file has 01, 1.0 or "1" in quotation marks for the other's 1.

    Args:
        ratings: that are scored.
        user_ids: (n_users,) distinct ids of the users in training.
        item_ids: (n_items,) of the items, likewise.
        where: what messages call the place that knows these ids.
    """
    found = []
    for side, ids, known in (
        ("user", ratings.user_ids, user_ids),
        ("item", ratings.item_ids, item_ids),
    ):
        is_unknown = positions(ids, known) < 0
        n_unknown = int(is_unknown.sum())
        if 2 * n_unknown <= len(ids):
            continue
        matches = positions(_as_integers(ids), _as_integers(known))
        would_match = is_unknown & (matches >= 0)
        if 2 * int(would_match.sum()) > n_unknown:
            row = int(would_match.argmax())
            found.append(
                f"{n_unknown:,} of {len(ids):,} {side}s are unknown in {where}, but most would "
                f"be known if ids such as {_shown(ids, row)} were written as "
                f"{_shown(known, int(matches[row]))}"
            )
    return found


def _shown(ids: Ids, place: int) -> str:
    return repr(ids[place]) if isinstance(ids, TextIds) else str(ids[place])


def _as_integers(ids: Ids) -> TextIds:
    """Ids without blanks, byte order marks and quotation marks, zeros in front and .0 behind."""
    bare = as_text(ids).str.strip_chars(' \t\ufeff"')
    whole = bare.str.replace(r"^\+?(-?[0-9]+)(\.0*)?$", "$1")
    return TextIds(whole.str.replace(r"^(-?)0+([0-9])", "$1$2"))
