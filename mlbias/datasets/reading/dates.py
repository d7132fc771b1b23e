"""Dates and date-times as text, to Unix seconds."""

import polars as pl

# Dates that stand for one moment only, however one reads them.
_FORMATS = (
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%dT%H:%M%#z",
    "%Y-%m-%d %H:%M%#z",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d",
)


def parsed_times(texts: pl.Series) -> tuple[pl.Series, bool]:
    """Dates and date-times in ISO 8601 as Unix seconds, null where a text is none.

    Also tells whether UTC was assumed, because a text names no zone.
    """
    found = pl.Series(texts.name, [None] * len(texts), dtype=pl.Float64)
    assumed = False
    stripped = texts.str.strip_chars().str.replace(r"(?i)\s*(z|utc)$", "+00:00")
    # Polars takes 31-12-19 for a day of the year 31.
    stripped = stripped.set(~stripped.str.contains(r"^[0-9]{4}").fill_null(False), None)
    for form in _FORMATS:
        if found.null_count() == 0:
            break
        zoned = form.endswith("%#z")
        parsed = stripped.str.to_datetime(form, strict=False, exact=True, time_unit="us")
        seconds = parsed.dt.epoch("us").cast(pl.Float64) / 1e6
        news = found.is_null() & seconds.is_not_null()
        assumed = assumed or (not zoned and bool(news.any()))
        found = found.fill_null(seconds)
    return found, assumed
