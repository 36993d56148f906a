"""Starts MLflow's server for one tracker: on loopback, with no way in but the token of this start, on a database of its own.

usage: python -I serve.py PORT TOKEN_FILE KEEP OPTIONS

OPTIONS is JSON: {"database": "postgres" | "sqlite" | "url", "artifacts": null | "a location that MLflow knows",
"env": [names of variables that the project gives it], "secrets": [names of those that lie in KEEP/env]}.
One process serves, without MLflow's job workers: a tracker is asked by a team, and the front door holds who comes too early.
"""

import gc

# Importing makes many objects and no garbage. Collecting meanwhile costs a part of the start.
gc.disable()

import hmac
import importlib.metadata
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings

runtime = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, runtime)
import database
import postgres

port, token_file, keep, options = sys.argv[1:]
options = json.loads(options)
# Beyond this a request is cut when the tracker goes to sleep.
grace = 10
# Left free so that what was begun can be ended; below that it is not started (src/agent/prepare.ts).
reserve, look_seconds = 64 * 1024 * 1024, 2
# MLflow's assistant runs commands and reads files of this machine for whoever comes from loopback, as a run's
# connection does: what a run or a visitor holds opens the tracker alone.
closed = "/ajax-api/3.0/mlflow/assistant"


class Store:
    """Where runs are kept. `uri` is SQLAlchemy's."""

    def __init__(self):
        self.server = None
        self.sockets = None
        self.lock = database.take_lock(keep, wait=True)  # until a backup that runs is done
        database.finish_replacing(keep)
        self.db = database.open_database(options["database"], keep)
        database.refuse_loss(self.db, keep)
        if options["database"] == "sqlite":
            self.uri = f"sqlite:///{os.path.join(keep, 'mlflow.db')}"
            return
        if options["database"] == "url":
            self.uri = postgres.build_uri(database.read_uri(keep))
            return
        data = os.path.join(keep, "postgres")
        self.programs = postgres.find_programs(data)
        postgres.make_cluster(self.programs, data)
        postgres.end_orphan(data)
        self.sockets = postgres.make_socket_folder()
        self.uri = postgres.build_uri(self.sockets)
        self.server = postgres.Server(self.programs, data, self.sockets)
        self.server.start()

    def wait(self):
        if self.server is None:
            return
        self.server.wait()
        postgres.ensure_database(self.programs, self.sockets)
        database.write(os.path.join(keep, database.socket_file), self.sockets)

    def stop(self):
        if self.server is None:
            return
        self.server.stop()
        try:
            os.rmdir(self.sockets)
        except OSError:
            pass  # the next start has another one


def set_environment(uri):
    """What MLflow reads of its settings, and nothing that the machine says about another MLflow."""
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "_MLFLOW_")) and name not in options["env"]:
            del os.environ[name]
    os.environ.update(read_secrets())  # PostgreSQL was started without them
    artifacts = options["artifacts"]
    if artifacts is None:
        artifacts = os.path.join(keep, "artifacts")
        os.makedirs(artifacts, mode=0o700, exist_ok=True)
    os.environ.update({
        "_MLFLOW_SERVER_FILE_STORE": uri,
        "_MLFLOW_SERVER_REGISTRY_STORE": uri,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": artifacts,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        # The front door knows which hosts and origins there are.
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "true",
    })


def read_secrets():
    """What `sesta up` put there; what the project has no more goes."""
    folder = os.path.join(keep, "env")
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if name not in options["secrets"]:
            os.remove(os.path.join(folder, name))
    values = {}
    for name in options["secrets"]:
        try:
            with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
                values[name] = file.read()
        except FileNotFoundError:
            raise postgres.Failure(f"{name} is not known here: run `sesta up`")
    return values


def guard(app, token):
    """Only who shows the token of this start comes in, since anybody on the machine reaches its loopback, and not everywhere."""
    expected = f"Bearer {token}".encode()

    async def guarded(scope, receive, send):
        if scope["type"] == "lifespan":
            return await app(scope, receive, send)
        shown = [value for name, value in scope["headers"] if name == b"authorization"]
        known = len(shown) == 1 and hmac.compare_digest(shown[0], expected)
        if known and not scope["path"].startswith(closed):
            return await app(scope, receive, send)
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008})
        status = 404 if known else 401
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    return guarded


def watch_disk():
    """A disk that is nearly full ends this in order; whoever keeps it says so then, in place of errors for everybody."""
    while True:
        free = shutil.disk_usage(keep).free
        if free < reserve:
            print(f"sesta: only {free // 1_000_000} MB are free on the disk of {keep}", file=sys.stderr, flush=True)
            return os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(look_seconds)


def announce():
    """Runs when the port is bound."""
    gc.collect()
    gc.freeze()
    gc.enable()
    path = os.path.join(runtime, f"bound-{os.getpid()}.json")
    with open(f"{path}.new", "w") as file:
        json.dump({"pid": os.getpid(), "port": int(port)}, file)
    os.rename(f"{path}.new", path)


def end(*_):
    """The server has ended its requests by then: uvicorn sends itself the signal again once it is done."""
    sys.exit(0)


def main():
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    with open(token_file) as file:
        token = file.read().strip()
    store = Store()
    try:
        serve(store, token)
    finally:
        store.stop()


def keep_before_upgrade(store):
    """A schema of another version of MLflow is kept as a dump: opening it changes it, which going back may not undo."""
    before = database.read_version(keep)
    if before == version():
        return
    from mlflow.store.db import utils

    engine = utils.create_sqlalchemy_engine(store.uri)
    found = utils._get_schema_version(engine)
    engine.dispose()
    if found in ("", utils._get_latest_schema_revision()):
        return
    folder = os.path.join(keep, "before-upgrade")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    fresh, path = os.path.join(folder, "new"), os.path.join(folder, f"{before or found}-{store.db.dump_name}")
    store.db.dump(fresh, True)
    os.rename(fresh, path)
    print(f"sesta: the schema becomes that of MLflow {version()}; the database as it was: {path}", file=sys.stderr, flush=True)


def open_stores(handlers, uri):
    from mlflow.exceptions import MlflowException

    root = os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"]
    try:
        handlers.initialize_backend_stores(uri, uri, root)
    except MlflowException as error:
        if "out-of-date database schema" not in str(error):
            raise
        address, password = postgres.split_password(uri) if options["database"] != "sqlite" else (uri, {})
        command = [sys.executable, "-I", "-m", "mlflow", "db", "upgrade", address]
        more = {"stdin": subprocess.DEVNULL, "stdout": sys.stderr, "env": {**os.environ, **password}}
        if subprocess.run(command, **more).returncode != 0:
            raise postgres.Failure("MLflow cannot read its database: a newer version may have written it")
        handlers.initialize_backend_stores(uri, uri, root)


def keep_to_the_door(handlers):
    """
    Artifacts come and go through the tracker. MLflow would hand out addresses in the store, signed with the tracker's key,
    for its clients to go there themselves: past the front door, and to where a program may find no way.
    """
    for ability in ("MultipartUploadMixin", "MultipartDownloadMixin", "PresignedUploadMixin"):
        setattr(handlers, ability, type(ability, (), {}))


def keep_to_the_folder():
    """
    An experiment, a trace or a model may name any place for its artifacts. A folder of this machine is none but the
    tracker's own: MLflow would read and write there for whoever asks.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact import artifact_repository_registry as registry
    from mlflow.utils.uri import get_uri_scheme

    own, known = os.environ["_MLFLOW_SERVER_ARTIFACT_DESTINATION"], registry._artifact_repository_registry
    find = known.get_artifact_repository

    def find_elsewhere(uri, *more):
        if get_uri_scheme(uri) in ("", "file") and uri != own:
            raise MlflowException.invalid_parameter_value(f"{uri} is a folder of the tracker's machine, and not its own")
        return find(uri, *more)

    known.get_artifact_repository = find_elsewhere


def version():
    return importlib.metadata.version("mlflow")


def serve(store, token):
    set_environment(store.uri)
    warnings.filterwarnings("ignore", module=r"mlflow\.server\.fastapi_app")
    import uvicorn
    from mlflow.server import handlers
    from mlflow.server.fastapi_app import app

    keep_to_the_door(handlers)
    keep_to_the_folder()
    store.wait()
    keep_before_upgrade(store)
    open_stores(handlers, store.uri)
    database.write(os.path.join(keep, database.version_file), version())

    class Server(uvicorn.Server):
        async def startup(self, sockets=None):
            await super().startup(sockets=sockets)
            if self.started:
                threading.Thread(target=watch_disk, daemon=True).start()
                announce()

    config = uvicorn.Config(
        guard(app, token),
        host="127.0.0.1",
        port=int(port),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=grace,
        timeout_keep_alive=75,
        server_header=False,
    )
    Server(config).run()


try:
    main()
except postgres.Failure as error:
    sys.exit(f"sesta: {error}")
