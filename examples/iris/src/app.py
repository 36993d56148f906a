"""The application: POST /predict with four measures, GET /health."""
from pathlib import Path

import joblib
from flask import Flask, jsonify, request

MODEL = Path(__file__).resolve().parent.parent / "iris_model.pkl"
MEASURES = 4


def create_app(model=None):
    """An application around a fitted model; without one, that of iris_model.pkl."""
    app = Flask(__name__)
    fitted = joblib.load(MODEL) if model is None else model

    @app.get("/health")
    def health():
        return "OK"

    @app.post("/predict")
    def predict():
        body = request.get_json(silent=True)
        if not isinstance(body, dict) or "features" not in body:
            return jsonify(error="Missing features"), 400
        features = body["features"]
        if not is_row(features):
            return jsonify(error=f"features: {MEASURES} numbers"), 400
        return jsonify(prediction=int(fitted.predict([features])[0]))

    return app


def is_row(features):
    """Whether these are as many plain numbers as a flower has measures."""
    return (
        isinstance(features, list)
        and len(features) == MEASURES
        and all(type(one) in (int, float) for one in features)
    )


def __getattr__(name):
    # gunicorn asks for `app`; the tests make their own.
    if name == "app":
        return create_app()
    raise AttributeError(name)
