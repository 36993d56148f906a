# Flask, as seed 003's application is: one row in, one label out.
import os
import pickle

from flask import Flask, jsonify, request

app = Flask(__name__)
with open(os.environ["MODEL"], "rb") as file:
    model = pickle.load(file)


@app.post("/predict")
def predict():
    data = request.get_json(silent=True)
    if not data or "features" not in data:
        return jsonify({"error": "Missing features"}), 400
    return jsonify({"prediction": int(model.predict([data["features"]])[0])})
