"""Where a run is logged: to the MLflow that MLFLOW_TRACKING_URI names, or nowhere."""
import contextlib
import os
import time


@contextlib.contextmanager
def track(params):
    """An open run; it ends as FINISHED, or as FAILED where what is done within it fails."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        print("MLFLOW_TRACKING_URI is not set: this run is logged nowhere", flush=True)
        yield Nowhere()
        return
    # MLflow tells its makers how it is used, unless this says otherwise before it is imported.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    # The run that MLFLOW_RUN_ID names, where something has opened one; else a new one.
    with mlflow.start_run() as run:
        mlflow.log_params(params)
        yield Tracked(mlflow, run.info.run_id)


class Tracked:
    """A run of MLflow."""

    def __init__(self, mlflow, run_id):
        self.mlflow, self.run_id = mlflow, run_id

    def log_epoch(self, first_step, losses, judged):
        """The loss of each step, and at the last one what the epoch came to; in one request."""
        from mlflow.entities import Metric

        now, last = int(time.time() * 1000), first_step + len(losses) - 1
        rows = [Metric("loss", loss, now, first_step + at) for at, loss in enumerate(losses)]
        rows += [Metric(name, value, now, last) for name, value in judged.items()]
        self.mlflow.MlflowClient().log_batch(self.run_id, metrics=rows)

    def finish(self, model, texts, metrics, folder):
        """What came of it: the final numbers, the files of a folder, and the model."""
        self.mlflow.log_metrics(metrics)
        self.mlflow.log_artifacts(folder)
        model.log(self.mlflow, texts)


class Nowhere:
    """What stands in for a run where nothing is tracked."""

    def log_epoch(self, first_step, losses, judged):
        pass

    def finish(self, model, texts, metrics, folder):
        pass
