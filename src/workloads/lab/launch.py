"""Starts JupyterLab for one lab: quickly, on loopback, with no way in but the token of this start.

usage: python -I launch.py PORT WORKSPACE TOKEN_FILE KEEP

Every setting stands on the server's own command line, which only this process sees and which outranks every
configuration file of the machine. Only documented parts of Jupyter are used, so that its patch releases fit.
"""

import gc

# Importing makes many objects and no garbage. Collecting meanwhile costs a sixth of the start.
gc.disable()

import asyncio
import json
import os
import sys
import warnings

runtime = os.path.dirname(os.path.abspath(__file__))
port, workspace, token_file, keep = sys.argv[1:]


def set_environment():
    """What kernels and terminals inherit: this environment's programs first, and nothing of another Jupyter."""
    data = {"JUPYTER_PATH", "JUPYTER_DATA_DIR"}
    for name in list(os.environ):
        if name.startswith(("JUPYTER", "JPY_")) and name not in data:
            del os.environ[name]
    os.environ["JUPYTER_CONFIG_DIR"] = os.path.join(keep, "jupyter")
    os.environ["JUPYTER_RUNTIME_DIR"] = runtime
    os.environ["VIRTUAL_ENV"] = sys.prefix
    os.environ["PATH"] = os.pathsep.join([os.path.join(sys.prefix, "bin"), os.environ.get("PATH", os.defpath)])


def set_defaults():
    """Nobody is asked whether to fetch news: the answer of a lab without outside calls is no. People may change it."""
    folder = os.path.join(keep, "jupyter", "labconfig")
    path = os.path.join(folder, "default_setting_overrides.json")
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        with open(path, "w") as file:
            json.dump({"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}, file)


def import_lab():
    """JupyterLab without two things that its import does and a start does not need.

    jsonschema takes rfc3987_syntax when it is there, to check one format that Jupyter never uses; it builds its
    grammar for a second. And JupyterLab asks yarn for its registry, a quarter of a second, when it finds node.
    """
    path = os.environ["PATH"]
    os.environ["PATH"] = runtime  # holds no programs
    sys.modules["rfc3987_syntax"] = None
    try:
        import jupyterlab.labapp

        return jupyterlab.labapp.LabApp
    finally:
        del sys.modules["rfc3987_syntax"]
        os.environ["PATH"] = path


set_environment()
set_defaults()
LabApp = import_lab()

import jupyter_server.serverapp
from jupyter_client.session import Session
from jupyter_server.auth import IdentityProvider


class HeaderIdentity(IdentityProvider):
    """Knows people by the header that the front door adds: no token in a URL, no page to log in or out."""

    login_available = False
    logout_available = False

    def get_token(self, handler):
        scheme, _, token = handler.request.headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "token" else None


class Kernels(jupyter_server.serverapp.AsyncMappingKernelManager):
    """Knows that a cell runs while the kernel answers something else beside it.

    Jupyter takes a kernel's newest status for that of all of it. JupyterLab's widgets speak over a subshell (JEP 91),
    whose "idle" would make a cell that goes on for hours look finished.
    """

    def start_watching_activity(self, kernel_id):
        super().start_watching_activity(kernel_id)
        kernel = self.get_kernel(kernel_id)
        session = Session(config=kernel.session.config, key=kernel.session.key)
        cells = kernel.running_cells = set()

        def note(parts):
            parts = session.feed_identities(parts)[1]
            message = session.deserialize(parts, content=False)
            if message["header"]["msg_type"] != "status":
                return
            state = session.unpack(message["content"])["execution_state"]
            cell = message["parent_header"]
            if state in ("starting", "restarting"):
                cells.clear()
            elif cell.get("msg_type") == "execute_request":
                (cells.add if state == "busy" else cells.discard)(cell["msg_id"])

        kernel.cells_stream = kernel.connect_iopub()
        kernel.cells_stream.on_recv(note)

    def stop_watching_activity(self, kernel_id):
        super().stop_watching_activity(kernel_id)
        stream = getattr(self.get_kernel(kernel_id), "cells_stream", None)
        if stream is not None and not stream.closed():
            stream.close()

    def kernel_model(self, kernel_id):
        model = super().kernel_model(kernel_id)
        if model["execution_state"] == "idle" and getattr(self.get_kernel(kernel_id), "running_cells", None):
            model["execution_state"] = "busy"
        return model


# The default where no gateway to kernels elsewhere is configured.
jupyter_server.serverapp.AsyncMappingKernelManager = Kernels

# Jupyter's own terminals warn so since nobody may come in unauthenticated.
warnings.filterwarnings("ignore", message="Extension endpoints without")


def settings(token):
    # The build that the page would ask for at each load is of source extensions, and runs node.
    page = {"page_config_data": {"buildAvailable": False, "buildCheck": False}}
    return {
        "Application.log_level": "WARN",
        "IdentityProvider.token": token,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.extension_manager": "readonly",
        "LabApp.news_url": None,
        "ContentsManager.allow_hidden": True,
        "MappingKernelManager.cull_idle_timeout": 0,
        "TerminalManager.cull_inactive_timeout": 0,
        "ServerApp.allow_remote_access": True,
        "ServerApp.allow_root": True,
        "ServerApp.allow_unauthenticated_access": False,
        "ServerApp.base_url": "/",
        "ServerApp.certfile": "",
        "ServerApp.identity_provider_class": f"{__name__}.{HeaderIdentity.__name__}",
        "ServerApp.ip": "127.0.0.1",
        # A bridge to configuration of the classic notebook before its version 7.
        "ServerApp.jpserver_extensions": {"notebook_shim": False},
        "ServerApp.open_browser": False,
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.quit_button": False,
        "ServerApp.root_dir": workspace,
        "ServerApp.shutdown_no_activity_timeout": 0,
        "ServerApp.sock": "",
        "ServerApp.terminals_enabled": True,
        "ServerApp.tornado_settings": page,
    }


def refuse_if_open(server, token):
    identity = server.identity_provider
    shut = type(identity) is HeaderIdentity and identity.token == token and len(token) >= 32
    if shut and server.ip == "127.0.0.1" and str(server.port) == port and server.base_url == "/":
        return
    sys.exit("Jupyter's configuration on this machine overrides the lab's address or its token.")


def announce():
    """Runs when the port is bound: the server's own file would be there before."""
    gc.freeze()
    gc.enable()
    path = os.path.join(runtime, f"bound-{os.getpid()}.json")
    with open(f"{path}.new", "w") as file:
        json.dump({"pid": os.getpid(), "port": int(port)}, file)
    os.rename(f"{path}.new", path)


def end_requests(loop):
    """Cancels what still runs, as asyncio.run does at its end.

    A request that waits for a worker thread (nbconvert's list of formats, a file being read) would keep that thread,
    and with it the process. The thread still finishes its work, so that a file being written is whole.
    """
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=5))


def main():
    with open(token_file) as file:
        token = file.read().strip()
    server = LabApp.initialize_server([f"--{name}={value}" for name, value in settings(token).items()])
    refuse_if_open(server, token)
    server.no_browser_open_file = True  # it would hold the token
    # Binding was put on the loop by initialize_server; callbacks run in order, and a failed bind ends the process.
    server.io_loop.add_callback(announce)
    server.start()
    end_requests(server.io_loop.asyncio_loop)


main()
