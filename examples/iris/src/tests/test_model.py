import json

from src import model


def test_train_is_the_same_each_time():
    first, accuracy = model.train(trees=10)
    again, same = model.train(trees=10)
    assert accuracy == same
    assert first.get_params() == again.get_params()


def test_main_writes_model_and_metrics(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model.main()
    written = json.loads((tmp_path / "metrics.json").read_text())
    assert (tmp_path / "iris_model.pkl").stat().st_size > 0
    assert f"accuracy: {written['accuracy']}" in capsys.readouterr().out
