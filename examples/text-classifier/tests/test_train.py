import json
import sys

import mlflow
import pytest

from src import corpus, train

EPOCHS = 3


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The program writes into the folder where it runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    return tmp_path


@pytest.fixture
def tracker(folder, monkeypatch):
    """A tracker in a file, no server."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    # The rest of it lies in ./mlruns, and MLflow keeps what it once opened.
    mlflow.set_tracking_uri(None)
    return mlflow.MlflowClient()


def run(*arguments):
    train.main(["--epochs", str(EPOCHS), *arguments])


def test_what_judges_has_not_trained():
    train_texts, _, test_texts, test_topics = corpus.load()
    assert not set(train_texts) & set(test_texts)
    assert len(set(test_topics)) == 4


def test_it_learns_and_needs_no_tracker(folder, capsys):
    run()
    out = capsys.readouterr().out
    assert out.startswith("MLFLOW_TRACKING_URI is not set: this run is logged nowhere\n")
    metrics = json.loads((folder / "output/metrics.json").read_text())
    assert metrics["accuracy"] > 0.8 and metrics["f1"] > 0.8
    assert f"accuracy: {metrics['accuracy']:.4f}\n" in out
    assert (folder / "output/confusion.png").read_bytes().startswith(b"\x89PNG")
    run()
    assert json.loads((folder / "output/metrics.json").read_text()) == metrics


def test_a_run_is_tracked(folder, tracker):
    run("--seed", "3")
    (done,) = tracker.search_runs(["0"])
    assert done.info.status == "FINISHED"
    params = {"model": "linear", "epochs": "3", "seed": "3", "lr": "0.3", "texts": "360"}
    assert done.data.params == params
    metrics = json.loads((folder / "output/metrics.json").read_text())
    assert metrics.items() <= done.data.metrics.items()
    steps = [each.step for each in tracker.get_metric_history(done.info.run_id, "loss")]
    assert steps == list(range(1, len(steps) + 1)) and len(steps) % EPOCHS == 0
    judged = tracker.get_metric_history(done.info.run_id, "test_loss")
    assert [each.step for each in judged] == steps[len(steps) // EPOCHS - 1 :: len(steps) // EPOCHS]
    files = {each.path for each in tracker.list_artifacts(done.info.run_id)}
    assert {"metrics.json", "confusion.png"} <= files
    model = mlflow.sklearn.load_model(f"runs:/{done.info.run_id}/model")
    assert list(model.predict(["O guarda-redes defendeu dois penáltis."])) == ["sport"]


def test_it_logs_to_the_run_that_it_is_given(tracker, monkeypatch):
    given = tracker.create_run("0", run_name="given").info.run_id
    monkeypatch.setenv("MLFLOW_RUN_ID", given)
    run()
    (done,) = tracker.search_runs(["0"])
    assert (done.info.run_id, done.info.status) == (given, "FINISHED")
    assert done.info.run_name == "given" and "accuracy" in done.data.metrics


def test_a_run_that_fails_says_so(tracker, monkeypatch):
    monkeypatch.setattr(train, "judge", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run()
    (failed,) = tracker.search_runs(["0"])
    assert failed.info.status == "FAILED"


def test_bert_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SystemExit, match="--model bert needs torch and transformers"):
        run("--model", "bert")


def test_no_epochs_are_refused(capsys):
    with pytest.raises(SystemExit):
        train.main(["--epochs", "0"])
    assert "at least 1" in capsys.readouterr().err
