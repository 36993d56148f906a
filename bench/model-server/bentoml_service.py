# BentoML: the same application as a service with two workers.
import os
import pickle

import bentoml


@bentoml.service(workers=2)
class Iris:
    def __init__(self):
        with open(os.environ["MODEL"], "rb") as file:
            self.model = pickle.load(file)

    @bentoml.api
    def predict(self, features: list[float]) -> dict:
        return {"prediction": int(self.model.predict([features])[0])}
