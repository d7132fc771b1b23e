"""What is said where a model may have been trained on what it is scored on."""

import json
import resource
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from mlbias.cli.show.evaluation import seen_sentence
from mlbias.datasets.options import ReadOptions
from mlbias.datasets.sources import Source
from mlbias.evaluation.holdout import Holdout
from mlbias.saved_model.record import TrainingData
from tests.test_cli import COMMAND, FOUR, Run, environment, fails, run, succeeds

__all__ = ["run"]

TENTH = Holdout("random", 0.1, 3)
GIVEN = Holdout("given", source=Source("u1.test"), fingerprint="test")


def trained(on: str, holdout: Holdout | None) -> TrainingData:
    return TrainingData(Source("x"), ReadOptions(), 4, on, holdout)


@pytest.mark.parametrize(
    ("model", "source", "holdout", "seen"),
    [
        (trained("a", TENTH), "a", TENTH, False),
        (trained("a", replace(TENTH, seed=4)), "a", TENTH, True),
        (trained("a", None), "a", TENTH, True),
        (trained("a", TENTH), "a", None, True),
        (trained("b", TENTH), "a", TENTH, None),
        (trained("base", GIVEN), "base", GIVEN, False),
        (trained("base", replace(GIVEN, source=Source("other name"))), "base", GIVEN, False),
        (trained("base", GIVEN), "test", None, False),
        (trained("test", None), "base", GIVEN, True),
        (trained("all", None), "base", GIVEN, None),
    ],
)
def test_what_a_record_tells(
    model: TrainingData, source: str, holdout: Holdout | None, seen: bool | None
) -> None:
    assert model.has_seen(source, holdout) is seen


def test_only_what_is_not_known_to_be_fresh_is_told() -> None:
    assert seen_sentence(False, "it") == ""
    assert seen_sentence(True, "it") == "it was trained on some or all of these ratings"
    assert "not known" in seen_sentence(None, "it")


def test_a_model_that_saw_the_ratings_does_not_win(run: Run) -> None:
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        options = ("--test-size", "0.2", "--seed", seed, "--model", f"{name}.npz")
        succeeds(run("train", "--data", "sample", "--epochs", str(len(name) + 3), *options))
    fair = succeeds(run("evaluate", "--model", "a.npz", "--against", "b.npz"))
    assert fair.endswith("no difference beyond one standard error\n")
    unfair = succeeds(run("evaluate", "--model", "a.npz", "--against", "c.npz"))
    assert unfair.endswith("the other model was trained on some or all of these ratings\n")
    assert "is better" not in unfair
    found = json.loads(succeeds(run("evaluate", "--model", "a.npz", "--data", "sample", "--json")))
    assert found["trained_on_these"] is True


def test_a_given_hold_out_is_known_again_and_its_overlap_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(FOUR)
    (tmp_path / "test.csv").write_text(FOUR.replace("2,20,2\n", "2,30,2\n"))
    said = run("train", "--train", "train.csv", "--test", "test.csv")
    succeeds(said)
    assert "3 ratings held out are of pairs that are in training too" in said.stderr
    found = json.loads(succeeds(run("evaluate", "--json")))
    assert (found["part"], found["data_changed"], found["trained_on_these"]) == (
        "hold-out", False, False,
    )  # fmt: skip
    with (tmp_path / "test.csv").open("a") as file:
        file.write("3,10,1\n")
    again = run("evaluate", "--quiet")
    assert "the hold-out of data that changed since" in succeeds(again)
    assert json.loads(succeeds(run("evaluate", "--json")))["data_changed"] is True


def test_ids_of_a_given_hold_out_that_are_only_written_differently_are_told(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "train.csv").write_text(FOUR)
    header, *rows = FOUR.splitlines()
    (tmp_path / "test.csv").write_text("\n".join([header, *(f"0{row}" for row in rows)]) + "\n")
    said = run("train", "--train", "train.csv", "--test", "test.csv")
    succeeds(said)
    assert "users are unknown in training, but most would be known if ids such as '01'" in (
        said.stderr
    )


def test_bad_rows_of_a_given_hold_out_are_in_json(run: Run, tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(FOUR)
    (tmp_path / "test.csv").write_text(FOUR + "2,20,x\n")
    found = json.loads(
        succeeds(
            run("train", "--train", "train.csv", "--test", "test.csv", "--skip-bad-rows", "--json")
        )
    )
    assert found["n_skipped"] == 0
    assert found["holdout"]["n_skipped"] == 1
    assert "test.csv, line 6" in found["holdout"]["first_skipped"]


def test_what_shows_ids_is_open_to_nobody_who_cannot_read_the_ratings(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "r.csv").write_text(FOUR)
    (tmp_path / "r.csv").chmod(0o600)
    model, out = str(tmp_path / "m.npz"), tmp_path / "out.csv"
    succeeds(run("train", "--data", str(tmp_path / "r.csv"), "--model", model))
    succeeds(run("biases", "users", "--model", model, "--out", str(out)))
    modes = {path.stat().st_mode & 0o077 for path in (tmp_path / "m.npz", out)}
    out.unlink()
    (tmp_path / "pairs.csv").write_text("userId,movieId\n1,10\n")
    succeeds(run("predict", str(tmp_path / "pairs.csv"), "--model", model, "--out", str(out)))
    assert modes | {out.stat().st_mode & 0o077} == {0}


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "pairs.csv", "--out", "out.csv"),
        ("predict", "pairs.csv", "--out", "out.parquet"),
        ("predict", "pairs.csv", "--out", "out.arrow"),
        ("predict", "pairs.csv", "--out", "out.jsonl"),
        ("biases", "users", "--out", "out.db"),
    ],
)
def test_a_full_disk_is_a_sentence_and_leaves_nothing(
    run: Run, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, 1_000))

    (tmp_path / "pairs.csv").write_text("user,item\n" + "1,10\n" * 1_000)
    succeeds(run("train", "--data", "sample", "--model", "m.npz", "--epochs", "1"))
    result = subprocess.run(
        [*COMMAND, *arguments, "--model", "m.npz"], cwd=tmp_path, env=environment(),
        capture_output=True, encoding="utf-8", timeout=60, check=False, preexec_fn=little_room,
    )  # fmt: skip
    fails(result, 1, rf"^error: {arguments[-1]} cannot be written: File too large\.\n$")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.npz", "pairs.csv"]
