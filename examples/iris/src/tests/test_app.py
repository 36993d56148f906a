import pytest

from src.app import create_app
from src.model import train


@pytest.fixture(scope="module")
def client():
    model, _ = train(trees=10)
    return create_app(model).test_client()


def test_health(client):
    answer = client.get("/health")
    assert (answer.status_code, answer.text) == (200, "OK")


@pytest.mark.parametrize(
    "features, prediction",
    [([5.1, 3.5, 1.4, 0.2], 0), ([6.0, 2.7, 4.2, 1.3], 1), ([6.9, 3.1, 5.8, 2.2], 2)],
)
def test_predict(client, features, prediction):
    answer = client.post("/predict", json={"features": features})
    assert (answer.status_code, answer.json) == (200, {"prediction": prediction})


def test_missing_features(client):
    for options in ({"json": {}}, {"json": [1]}, {"data": "no json"}, {}):
        answer = client.post("/predict", **options)
        assert (answer.status_code, answer.json) == (400, {"error": "Missing features"})


@pytest.mark.parametrize("features", [[1, 2, 3], "abcd", [1, 2, 3, "4"], [1, 2, 3, True]])
def test_bad_features(client, features):
    answer = client.post("/predict", json={"features": features})
    assert (answer.status_code, answer.json) == (400, {"error": "features: 4 numbers"})
