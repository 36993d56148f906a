"""Holds the model against the flowers it has not seen, and prints what a gate can read."""
import sys
from pathlib import Path

import joblib
from sklearn.metrics import accuracy_score

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from src.data import load  # noqa: E402


def measure(model):
    """The share of unseen flowers that it names rightly, from 0 to 1."""
    _, test_x, _, test_y = load()
    return float(accuracy_score(test_y, model.predict(test_x)))


def main(path="iris_model.pkl"):
    print(f"accuracy: {measure(joblib.load(path))}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
