"""What came of a download, and the catalogue."""

from pathlib import Path
from typing import Any

from mlbias.cli.options.of_files import DEFAULT_DATA_DIR
from mlbias.cli.show.console import Output
from mlbias.cli.show.tables import Column, Table
from mlbias.cli.show.text import data_line, size
from mlbias.datasets.catalogue import ARCHIVES, DEFAULT_NAME
from mlbias.download.install import Download, on_disk
from mlbias.download.request import DownloadRequest


def report(output: Output, request: DownloadRequest, done: Download | None) -> None:
    """What was fetched from where, whether it is proved, and on which terms it is used."""
    name, folder = request.archive.name, request.folder
    if done is None:
        output.line(f"{name} is complete in {folder}; there is nothing to do")
    else:
        dataset = done.dataset
        users, items = len(dataset.user_ids), len(dataset.item_ids)
        output.line(data_line(name, dataset.n_ratings, users, items))
        output.line(f"from {done.origin}")
        proved = "verified" if done.is_verified else "not verified"
        output.line(f"{proved}, and unpacked to {folder}")
        if request.keep_archive:
            output.line(f"archive kept: {request.archive_path}")
        output.line("terms: no commercial use without permission; cite Harper & Konstan (2015)")
        readme = next((str(path) for path in sorted(folder.glob("README*"))), "on the site")
        output.line(f"in full: {readme}")
    named = "" if name == DEFAULT_NAME else f" --data {name}"
    if request.data_dir != DEFAULT_DATA_DIR:
        named = f" --data {folder}"
    output.hint(f"next: mlbias train{named}")


def document(request: DownloadRequest, done: Download | None) -> dict[str, Any]:
    """The same under the names that it has in JSON."""
    found: dict[str, Any] = {
        "name": request.archive.name,
        "folder": str(request.folder),
        "fetched": done is not None,
    }
    if done is not None:
        dataset = done.dataset
        found |= {
            "n_ratings": dataset.n_ratings,
            "n_users": len(dataset.user_ids),
            "n_items": len(dataset.item_ids),
            "verified": done.is_verified,
        }
    path = request.archive_path
    return found | {"archive": str(path) if path.is_file() else None}


def report_catalogue(output: Output, data_dir: Path) -> None:
    """Each data set of the catalogue, and what of it is on disk."""
    states = {archive.name: on_disk(archive, data_dir) for archive in ARCHIVES.values()}
    output.document(
        {
            "data_dir": str(data_dir),
            "data_sets": [
                {
                    "name": archive.name,
                    "bytes": archive.size,
                    "n_ratings": archive.n_ratings,
                    "n_users": archive.n_users,
                    "n_items": archive.n_items,
                    "url": archive.url,
                    "sha256": archive.sha256,
                    "may_change": archive.may_change,
                    "on_disk": states[archive.name],
                }
                for archive in ARCHIVES.values()
            ],
        }
    )
    columns = [Column("data set", 15), Column("ratings", 10), Column("archive", 9)]
    table = Table(output, [*columns, Column("on disk", 11)])
    for archive in ARCHIVES.values():
        ratings = "varies" if archive.n_ratings is None else f"{archive.n_ratings:,}"
        packed = "?" if archive.size is None else size(archive.size)
        table.row([archive.name, ratings, packed, states[archive.name] or ""])
    output.hint("`mlbias download NAME` fetches one, `mlbias train --data NAME` trains on it")
