"""The sentences, and which of them judge: those are built otherwise than the ones that train."""
import csv
from pathlib import Path

CORPUS = Path(__file__).resolve().parent.parent / "corpus.csv"


def load(path=CORPUS):
    """Texts and topics to train with, then texts and topics to judge with."""
    with open(path, encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file))
    return *read_part(rows, "train"), *read_part(rows, "test")


def read_part(rows, part):
    chosen = [row for row in rows if row["part"] == part]
    return [row["text"] for row in chosen], [row["topic"] for row in chosen]
