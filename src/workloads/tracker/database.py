"""A tracker's database, of either kind: found while it is served or not, dumped, counted, and made anew from a dump."""

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
import tempfile

import postgres

# What serve.py writes for whoever else works on the same data.
lock_file, socket_file = "lock", "socket"
# What `sesta up` puts there of a secret.
uri_file = "database-url"


def take_lock(keep, wait):
    """Held for as long as the file that is returned is open; None where somebody else has it and nobody waits."""
    file = open(os.path.join(keep, lock_file), "w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        file.close()
        return None
    return file


def read_socket(keep):
    with open(os.path.join(keep, socket_file)) as file:
        return file.read().strip()


class Postgres:
    kind = "postgres"
    dump_name = "database.dump"

    def __init__(self, keep):
        self.keep = keep
        self.data = self.where = os.path.join(keep, "postgres")

    def exists(self):
        return postgres.read_version(self.data) is not None

    @contextlib.contextmanager
    def reach(self, is_served):
        """The folder of its socket; started for as long as it is needed where nobody serves it."""
        programs = self.programs()
        if is_served:
            yield programs, read_socket(self.keep)
            return
        postgres.end_orphan(self.data)
        sockets = postgres.make_socket_folder()
        server = postgres.Server(programs, self.data, sockets)
        server.start()
        try:
            server.wait()
            yield programs, sockets
        finally:
            server.stop()
            shutil.rmtree(sockets, ignore_errors=True)

    def dump(self, path, is_served):
        """Writes all of it as it is at one moment. Returns (revision of the schema, rows by table) of that moment."""
        with self.reach(is_served) as (programs, place), connect(place) as connection:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            cursor = connection.cursor()
            cursor.execute("SELECT pg_export_snapshot()")
            snapshot = cursor.fetchone()[0]
            dump = os.path.join(programs, "pg_dump")
            options = [*postgres.name_database(place), f"--snapshot={snapshot}"]
            postgres.run([dump, *options, "--format=custom", "--compress=1", "--no-owner", "--no-privileges", "-f", path], env=postgres.environment_of(place))
            return describe(cursor)

    def version(self):
        """Of the programs that dump it."""
        return postgres.ask_version(self.programs())

    def programs(self):
        return postgres.find_programs(self.data)

    def make(self, path, into, dumped_by, is_kept):
        """A cluster at `into` from a dump, which older programs than those that made it do not read. Returns what `dump` did."""
        programs = self.choose(dumped_by)
        postgres.make_cluster(programs, into, is_durable=False)
        sockets = postgres.make_socket_folder()
        # Nothing of it counts before all of it is there: it is synced at the end.
        server = postgres.Server(programs, into, sockets, {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"})
        server.start()
        try:
            server.wait()
            postgres.ensure_database(programs, sockets)
            restore = os.path.join(programs, "pg_restore")
            options = [*postgres.name_database(sockets), "--exit-on-error", "--no-owner"]
            postgres.run([restore, *options, path])
            with connect(sockets) as connection:
                found = describe(connection.cursor())
        finally:
            server.stop()
            shutil.rmtree(sockets, ignore_errors=True)
        if is_kept:
            postgres.run([os.path.join(programs, "initdb"), "--sync-only", "-D", into])
        return found

    def choose(self, dumped_by):
        for version, folder in postgres.list_programs():
            if version >= dumped_by:
                return folder
        raise postgres.Failure(f"it was made by PostgreSQL {dumped_by}, and this machine has none that is as new")

    def place(self, folder):
        """Where a cluster that was made in `folder` belongs: (from, to)."""
        return os.path.join(folder, "postgres"), self.data


class External(Postgres):
    """One that somebody else runs: it is there whether the tracker is awake or not, and stays when that goes."""

    def __init__(self, keep):
        super().__init__(keep)
        self.uri = read_uri(keep)
        self.where = "its server, which has no tables of MLflow"

    def exists(self):
        try:
            with connect(self.uri) as connection:
                return describe(connection.cursor())[0] is not None
        except postgres.Failure:
            return True  # what cannot be asked may hold something

    def programs(self):
        """pg_dump reads servers of its own version and older ones; what a newer one writes, an older server does not take."""
        with connect(self.uri) as connection:
            wanted = connection.server_version // 10000
        fitting = sorted(one for one in postgres.list_programs() if one[0] >= wanted)
        if not fitting:
            raise postgres.Failure(f"its server is PostgreSQL {wanted}: install the programs of that version, as pg_dump")
        return fitting[0][1]

    @contextlib.contextmanager
    def reach(self, is_served):
        yield self.programs(), self.uri

    def place(self, folder):
        return os.path.join(folder, "postgres"), None

    def put(self, dump):
        """In the place of what it holds: all of it or nothing."""
        restore = os.path.join(self.programs(), "pg_restore")
        options = ["--clean", "--if-exists", "--single-transaction", "--no-owner", "--no-privileges"]
        postgres.run([restore, *options, *postgres.name_database(self.uri), dump], env=postgres.environment_of(self.uri))


class Sqlite:
    kind = "sqlite"
    dump_name = "database.sqlite"

    def __init__(self, keep):
        self.keep = keep
        self.data = self.where = os.path.join(keep, "mlflow.db")

    def exists(self):
        return os.path.exists(self.data)

    def dump(self, path, is_served):
        with contextlib.closing(sqlite3.connect(self.data)) as own, contextlib.closing(sqlite3.connect(path)) as copy:
            own.backup(copy)
            return describe(copy.cursor())

    def version(self):
        return 0

    def make(self, path, into, dumped_by, is_kept):
        shutil.copyfile(path, into)
        with contextlib.closing(sqlite3.connect(into)) as copy:
            if copy.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                raise postgres.Failure("its database is damaged")
            return describe(copy.cursor())

    def place(self, folder):
        return os.path.join(folder, "mlflow.db"), self.data


def open_database(kind, keep):
    return {"postgres": Postgres, "sqlite": Sqlite, "url": External}[kind](keep)


def read_uri(keep):
    """Of a database that somebody else runs, as PostgreSQL's programs take it. (libpq, "Connection URIs")"""
    try:
        with open(os.path.join(keep, uri_file)) as file:
            uri = file.read().strip()
    except FileNotFoundError:
        raise postgres.Failure("its database is not known here: run `sesta up`")
    scheme, _, rest = uri.partition("://")
    if scheme.partition("+")[0] not in ("postgresql", "postgres") or rest == "":
        raise postgres.Failure("`database: { url: … }` leads to no PostgreSQL: it begins with postgresql://")
    return f"postgresql://{rest}"


@contextlib.contextmanager
def connect(place):
    """@param place the folder of a socket, or an address"""
    import psycopg2

    try:
        connection = psycopg2.connect(postgres.build_address(place), connect_timeout=30)
    except psycopg2.OperationalError as error:
        raise postgres.Failure(f"the database does not answer: {error}")
    try:
        yield connection
    finally:
        connection.close()


def describe(cursor):
    if isinstance(cursor, sqlite3.Cursor):
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    else:
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    cursor.execute(tables)
    rows = {}
    for (table,) in sorted(cursor.fetchall()):
        cursor.execute(f'SELECT count(*) FROM "{table}"')
        rows[table] = cursor.fetchone()[0]
    revision = None
    if "alembic_version" in rows:
        cursor.execute("SELECT version_num FROM alembic_version")
        revision = (cursor.fetchone() or [None])[0]
    return revision, rows


# The version of MLflow that the data was last open with.
version_file = "mlflow-version"


def read_version(keep):
    """None where it was never open."""
    try:
        with open(os.path.join(keep, version_file)) as file:
            return file.read().strip()
    except FileNotFoundError:
        return None


def refuse_loss(db, keep):
    """A database that was there and is gone is never begun anew: nobody would notice what is lost."""
    if read_version(keep) is not None and not db.exists():
        raise postgres.Failure(f"its database is gone from {db.where}. `sesta restore` brings a backup back")


# A restore puts new data in the place of what is there. It writes down what it is about to do, so that whoever comes
# after a kill finishes it.
intent_file = "replacing.json"
restoring_prefix = "restoring-"


def replace(keep, moves):
    """@param moves (from, to), within one disk; `from` may be missing where it was moved already"""
    path = os.path.join(keep, intent_file)
    write(path, json.dumps(moves))
    finish_replacing(keep)


def finish_replacing(keep, but=None):
    """
    What a restore that was killed had written down is done; what it had not is gone.
    @param but the folder of one that goes on
    """
    path = os.path.join(keep, intent_file)
    try:
        with open(path) as file:
            moves = json.load(file)
    except FileNotFoundError:
        moves = []
    for source, place in moves:
        if os.path.exists(source):
            remove(place)
            os.rename(source, place)
    sync_folder(keep)
    if moves:
        os.remove(path)
        sync_folder(keep)
    for name in os.listdir(keep):
        if name.startswith(restoring_prefix) and os.path.join(keep, name) != but:
            remove(os.path.join(keep, name))


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


def write(path, text):
    """All of it or nothing, and on the disk."""
    handle, fresh = tempfile.mkstemp(dir=os.path.dirname(path))
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(fresh, path)
    sync_folder(os.path.dirname(path))


def sync_folder(path):
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
