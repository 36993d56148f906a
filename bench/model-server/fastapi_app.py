# FastAPI: the same application, its body checked by pydantic; async, so that no thread pool stands between.
import os
import pickle

from fastapi import FastAPI
from pydantic import BaseModel


class Row(BaseModel):
    features: list[float]


app = FastAPI()
with open(os.environ["MODEL"], "rb") as file:
    model = pickle.load(file)


@app.post("/predict")
async def predict(row: Row):
    return {"prediction": int(model.predict([row.features])[0])}
