import joblib

from src import model, validate


class Always:
    """Names every flower the same."""

    def predict(self, rows):
        return [0] * len(rows)


def test_a_trained_model_passes(tmp_path, capsys):
    fitted, _ = model.train(trees=10)
    path = tmp_path / "model.pkl"
    joblib.dump(fitted, path)
    validate.main(path)
    assert float(capsys.readouterr().out.removeprefix("accuracy: ")) >= 0.9


def test_a_model_that_knows_nothing_does_not():
    assert validate.measure(Always()) < 0.4
