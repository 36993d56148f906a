# The iris model that every server of this measure answers from: train.py FOLDER; written in each server's own form.
import pickle
import sys

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

folder = sys.argv[1]
model = LogisticRegression(max_iter=500).fit(*load_iris(return_X_y=True))
with open(f"{folder}/iris_model.pkl", "wb") as file:
    pickle.dump(model, file)
if "mlflow" in sys.argv[2:]:
    import mlflow.sklearn

    mlflow.sklearn.save_model(model, f"{folder}/mlflow-model")
