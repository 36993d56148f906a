"""Trains the model: python src/model.py writes iris_model.pkl and metrics.json."""
import json
import sys
from pathlib import Path

import joblib
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from src.data import load  # noqa: E402

MODEL = Path("iris_model.pkl")
METRICS = Path("metrics.json")


def train(trees=100, seed=7):
    """A fitted forest, and its accuracy on flowers that it has not seen."""
    train_x, test_x, train_y, test_y = load()
    model = RandomForestClassifier(n_estimators=trees, random_state=seed)
    model.fit(train_x, train_y)
    return model, accuracy_score(test_y, model.predict(test_x))


def main():
    model, accuracy = train()
    joblib.dump(model, MODEL)
    METRICS.write_text(json.dumps({"accuracy": accuracy}) + "\n")
    print(f"accuracy: {accuracy}")
    print(f"wrote {MODEL} and {METRICS}")


if __name__ == "__main__":
    main()
