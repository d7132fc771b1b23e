"""Files that people give by mistake, recognised by their first bytes and refused by name."""

from mlbias.errors import DataError

# What people give by mistake: where it begins so, what it is, and what to do.
CSV_ADVICE = "Export the ratings as CSV or Parquet, and give that file."
_FOREIGN = (
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (.xls)", CSV_ADVICE),
    (0, b"\x89HDF\r\n\x1a\n", "an HDF5 file", CSV_ADVICE),
    (0, b"SQLite format 3\0", "an SQLite database", CSV_ADVICE),
    (0, b"ORC", "an ORC file", "Convert it to Parquet."),
    (0, b"Obj\x01", "an Avro file", "Convert it to Parquet."),
    (0, b"FEA1", "a Feather file of version 1", "Write it again as Feather 2, or as Parquet."),
    (0, b"\x93NUMPY", "a NumPy array", CSV_ADVICE),
    (0, b"MATLAB 5.0", "a MATLAB file", CSV_ADVICE),
    (0, b"RDX", "an R workspace", CSV_ADVICE),
    (0, b"RDA", "an R workspace", CSV_ADVICE),
    (0, b"X\n\0\0\0", "an R object (.rds)", CSV_ADVICE),
    (0, b"%PDF-", "a PDF document", CSV_ADVICE),
    (0, b"\x89PNG\r\n", "a picture", CSV_ADVICE),
    (0, b"\xff\xd8\xff", "a picture", CSV_ADVICE),
    (0, b"GIF8", "a picture", CSV_ADVICE),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it, and give the file of ratings."),
    (0, b"Rar!\x1a\x07", "a RAR archive", "Unpack it, and give the file of ratings."),
    (257, b"ustar", "a tar archive", "Unpack it, and give the file of ratings."),
    (0, b"PK\x05\x06", "an empty zip archive", "Give the file of ratings itself."),
    (0, b"PK\x03\x04", "a zip archive within another file", "Unpack it, and give that file."),
    (0, b"\xff\xff\xff\xff", "an Arrow stream", "Write it as an Arrow file, or as Parquet."),
    (0, b"%%MatrixMarket", "a MatrixMarket file", CSV_ADVICE),
)
_MARKUP = ((b"<!doctype html", "a web page"), (b"<html", "a web page"), (b"<?xml", "an XML file"))


def refuse_foreign(beginning: bytes, where: str) -> None:
    """See that a file may be a table of ratings.

    Args:
        beginning: its first bytes, 512 where there are so many.
        where: what messages call it.

    Raises:
        DataError: it is something else.
    """
    for place, magic, what, advice in _FOREIGN:
        if beginning[place:].startswith(magic):
            raise DataError(f"{where} is {what}, not a table of ratings.", advice)
    # A pickle of protocol 2 or later: PROTO, the number, and with 4 and 5 a FRAME.
    if beginning[:1] == b"\x80" and beginning[1:2] in (b"\2", b"\3", b"\4", b"\5"):
        raise DataError(
            f"{where} is a pickle, which mlbias never opens: it may run code.", CSV_ADVICE
        )
    lowered = beginning.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, what in _MARKUP:
        if lowered.startswith(start):
            raise DataError(f"{where} is {what}, not a table of ratings.", CSV_ADVICE)
