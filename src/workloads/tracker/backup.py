"""Makes and restores backups of one tracker: its database and its artifacts as one file, tried out before it counts.

usage: python -I backup.py make KEEP OPTIONS INTO NAME COUNT [WHY]    keeps the newest COUNT of them
       python -I backup.py restore KEEP OPTIONS INTO NAME FILE             what it holds before goes to INTO first

OPTIONS is that of serve.py. A passphrase comes on standard input, which is empty where there is none. Prints lines of JSON:
{"phase": "…"} while it works, then {"file": …} of the backup that was made; null where there was nothing to back up.

A backup is a tar file: the database's dump, the artifacts unless they are kept elsewhere, and at its end manifest.json with the digest of each. With a
passphrase it is a tar file of two in the format of age (https://age-encryption.org/v1): key.age, which the passphrase
opens, holds the key of set.tar.age: pyrage encrypts streams with keys only. Whoever has no Sesta uses `age -d`.
"""

import datetime
import hashlib
import importlib.metadata
import io
import json
import os
import re
import shutil
import sys
import tarfile
import tempfile
import time

runtime = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, runtime)
import database
import postgres
from postgres import Failure

form = 1
needed = {"form", "mlflow", "database", "postgres", "revision", "rows", "files"}
manifest_name = "manifest.json"
plain, encrypted = ".tar", ".age.tar"
# Of a restore, for requests that go on and the database to end.
sleep_seconds = 120


def tell(**what):
    print(json.dumps(what), flush=True)


def version():
    return importlib.metadata.version("mlflow")


class Digesting:
    """Reads through, and knows the digest of what was read."""

    def __init__(self, file):
        self.file, self.hash, self.bytes = file, hashlib.sha256(), 0

    def read(self, size=-1):
        data = self.file.read(size)
        self.hash.update(data)
        self.bytes += len(data)
        return data

    def finish(self):
        while self.read(1 << 20):
            pass
        return {"bytes": self.bytes, "sha256": self.hash.hexdigest()}


def list_artifacts(folder):
    """Regular files below `folder`, relative; links are nobody's artifact."""
    for here, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(here, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield os.path.relpath(path, folder)


def add(archive, path, name):
    with open(path, "rb") as file:
        info = archive.gettarinfo(arcname=name, fileobj=file)
        info.uid = info.gid = 0
        info.uname = info.gname = ""
        digesting = Digesting(file)
        archive.addfile(info, digesting)
        return {"bytes": digesting.bytes, "sha256": digesting.hash.hexdigest()}


def make(keep, options, into, name, count, why, passphrase):
    db = database.open_database(options["database"], keep)
    if not db.exists():
        return tell(file=None)
    lock = database.take_lock(keep, wait=False)
    try:
        file = make_file(db, keep, options, into, name, why, passphrase, lock is None)
        remove_oldest(into, name, count)
        tell(file=file, bytes=os.path.getsize(file))
    finally:
        if lock is not None:
            lock.close()


def make_file(db, keep, options, into, name, why, passphrase, is_served):
    os.makedirs(into, mode=0o700, exist_ok=True)
    ignored = os.path.join(into, ".gitignore")
    if not os.path.exists(ignored):  # what a team logs is not to be committed by mistake
        database.write(ignored, "*\n")
    for old in os.listdir(into):
        if old.startswith(".making-"):
            postgres.end_orphan(os.path.join(into, old, "trial", "postgres"))  # it would go on writing there
            shutil.rmtree(os.path.join(into, old), ignore_errors=True)
    work = tempfile.mkdtemp(prefix=".making-", dir=into)
    try:
        made = now()
        path = os.path.join(work, "set.tar")
        write_set(db, keep, options, path, work, is_served, made, why)
        tell(phase="tries it out")
        check(path, db, os.path.join(work, "trial"), None)
        ending = plain
        if passphrase:
            tell(phase="encrypts it")
            path, ending = encrypt(path, work, passphrase), encrypted
        with open(path, "rb") as file:
            os.fsync(file.fileno())
        final = name_it(into, name, ending)
        os.chmod(path, 0o600)
        os.rename(path, final)
        database.sync_folder(into)
        return final
    finally:
        shutil.rmtree(work, ignore_errors=True)


def name_it(into, name, ending):
    """By the second, in which there may be one already."""
    while True:
        stem = os.path.join(into, f"{name}-{now():%Y%m%dT%H%M%S}Z")
        if not any(os.path.exists(stem + one) for one in (plain, encrypted)):
            return stem + ending
        time.sleep(0.1)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def write_set(db, keep, options, path, work, is_served, made, why):
    """The database first: what it names in the artifacts is there then, and stays."""
    tell(phase="dumps the database")
    dump = os.path.join(work, db.dump_name)
    revision, rows = db.dump(dump, is_served)
    own = options["artifacts"] is None
    folder = os.path.join(keep, "artifacts")
    files = {}
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        files[db.dump_name] = add(archive, dump, db.dump_name)
        os.remove(dump)
        names = list(list_artifacts(folder)) if own else []
        for done, name in enumerate(names):
            if done % 500 == 0:
                tell(phase=f"copies artifacts, {done} of {len(names)}")
            try:
                files[f"artifacts/{name}"] = add(archive, os.path.join(folder, name), f"artifacts/{name}")
            except FileNotFoundError:
                continue  # somebody deleted it meanwhile
        manifest = {
            "form": form,
            "made": made.isoformat(),
            "why": why,
            "mlflow": version(),
            "database": db.kind,
            "postgres": db.version(),
            "revision": revision,
            "rows": rows,
            # Elsewhere they are not Sesta's to copy.
            "artifacts": None if own else options["artifacts"],
            "files": files,
        }
        text = json.dumps(manifest).encode()
        info = tarfile.TarInfo(manifest_name)
        info.size, info.mode = len(text), 0o600
        archive.addfile(info, io.BytesIO(text))


def check(path, db, trial, artifacts):
    """
    Every byte against its digest, and the database by making one of it at `trial`, which is left for the caller.
    @param artifacts a folder that gets them, or None
    """
    found, manifest = {}, None
    os.makedirs(trial, mode=0o700)
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                source = archive.extractfile(member)
                if source is None or manifest is not None:
                    raise Failure(f"{member.name} does not belong there")
                if member.name == manifest_name:
                    manifest = json.load(source)
                    continue
                digesting = Digesting(source)
                target = place_of(member.name, trial, artifacts)
                if target is not None:
                    os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
                    with open(target, "xb") as file:
                        shutil.copyfileobj(digesting, file, 1 << 20)
                        file.flush()
                        os.fsync(file.fileno())
                found[member.name] = digesting.finish()
    except (tarfile.TarError, EOFError, ValueError, FileExistsError) as error:
        raise Failure(f"it is damaged: {error}")
    if manifest is None:
        raise Failure("it is not whole: its end is missing")
    if not isinstance(manifest, dict) or not needed <= manifest.keys():
        raise Failure("it is damaged: its manifest lacks what one has")
    if manifest["form"] != form:
        raise Failure(f"its form is {manifest['form']}, and this version of Sesta reads {form}")
    if found != manifest["files"]:
        wrong = sorted(name for name in {*found, *manifest["files"]} if found.get(name) != manifest["files"].get(name))
        raise Failure(f"{wrong[0]} is not what was backed up")
    if manifest["database"] != db.kind:
        raise Failure(f"it holds a database of {manifest['database']}, and the tracker has {db.kind}")
    dump = os.path.join(trial, "dump", db.dump_name)
    made, _ = db.place(trial)
    revision, rows = db.make(dump, made, manifest["postgres"], is_kept=artifacts is not None)
    if (revision, rows) != (manifest["revision"], manifest["rows"]):
        raise Failure("the database that was made of it has other rows")
    return manifest


def place_of(name, trial, artifacts):
    if name.startswith("database."):
        return os.path.join(trial, "dump", os.path.basename(name))
    parts = name.split("/")
    if parts[0] != "artifacts" or any(part in ("", ".", "..") for part in parts):
        raise Failure(f"{name} does not belong there")
    return None if artifacts is None else os.path.join(artifacts, *parts[1:])


def encrypt(path, work, passphrase):
    import pyrage

    identity = pyrage.x25519.Identity.generate()
    key, content, outer = (os.path.join(work, name) for name in ("key.age", "set.tar.age", "outer.tar"))
    with open(key, "wb") as file:
        file.write(pyrage.passphrase.encrypt(str(identity).encode(), passphrase))
    pyrage.encrypt_file(path, content, [identity.to_public()])
    os.remove(path)
    with tarfile.open(outer, "w", format=tarfile.PAX_FORMAT) as archive:
        for one in (key, content):
            add(archive, one, os.path.basename(one))
            os.remove(one)
    return outer


def decrypt(path, work, passphrase):
    import pyrage

    if not passphrase:
        raise Failure("it is encrypted: say its passphrase with `backup: { passphrase: ${secret.NAME} }`")
    key, content = os.path.join(work, "key.age"), os.path.join(work, "set.tar.age")
    try:
        with tarfile.open(path, "r:") as archive:
            for one in (key, content):
                source = archive.extractfile(os.path.basename(one))
                with open(one, "wb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
        with open(key, "rb") as file:
            identity = pyrage.passphrase.decrypt(file.read(), passphrase).decode()
    except pyrage.DecryptError:
        raise Failure("its passphrase is another one, or it is damaged")
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise Failure(f"it is damaged: {error}")
    opened = os.path.join(work, "set.tar")
    try:
        pyrage.decrypt_file(content, opened, [pyrage.x25519.Identity.from_str(identity)])
    except (pyrage.DecryptError, OSError) as error:
        raise Failure(f"it is damaged: {error}")
    os.remove(content)
    return opened


def remove_oldest(into, name, count):
    ours = re.compile(re.escape(name) + r"-\d{8}T\d{6}Z(\.age)?\.tar")
    for old in sorted(one for one in os.listdir(into) if ours.fullmatch(one))[:-count]:
        os.remove(os.path.join(into, old))


def restore(keep, options, into, name, path, passphrase):
    """Nothing of what runs is touched before the file has passed for whole."""
    db = database.open_database(options["database"], keep)
    os.makedirs(keep, mode=0o700, exist_ok=True)
    work = tempfile.mkdtemp(prefix=database.restoring_prefix, dir=keep)
    lock = None
    try:
        tell(phase="reads it")
        if path.endswith(encrypted):
            path = decrypt(path, work, passphrase)
        artifacts = os.path.join(work, "artifacts")
        os.makedirs(artifacts, mode=0o700)
        trial = os.path.join(work, "trial")
        tell(phase="makes the database anew")
        manifest = check(path, db, trial, artifacts)
        if newer(manifest["mlflow"], version()):
            raise Failure(f"it was made by MLflow {manifest['mlflow']}, and this tracker has {version()}")
        refuse_other_place(manifest, options["artifacts"])
        lock = wait_for_sleep(keep)
        database.finish_replacing(keep, but=work)
        before = None
        if db.exists():
            before = make_file(db, keep, options, into, name, "Before another one was brought back.", passphrase, False)
        tell(phase="puts it in place")
        moves = [db.place(trial)]
        if options["database"] == "url":
            moves = []
            db.put(os.path.join(trial, "dump", db.dump_name))
        if options["artifacts"] is None:
            moves.append((artifacts, os.path.join(keep, "artifacts")))
        # Known together with the data: alone it would say that a database is lost.
        database.write(os.path.join(work, database.version_file), manifest["mlflow"])
        moves.append((os.path.join(work, database.version_file), os.path.join(keep, database.version_file)))
        database.replace(keep, moves)
        tell(file=before)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        if lock is not None:
            lock.close()


def wait_for_sleep(keep):
    """Whoever asked for this puts it to sleep by that phase's name, see src/model/backup.ts."""
    until = time.monotonic() + sleep_seconds
    lock = database.take_lock(keep, wait=False)
    if lock is None:
        tell(phase="waits until it is asleep")
    while lock is None:
        if time.monotonic() > until:
            raise Failure("it is awake, or a backup of it is being made")
        time.sleep(0.1)
        lock = database.take_lock(keep, wait=False)
    return lock


def refuse_other_place(manifest, wanted):
    """Its runs would name artifacts that are nowhere: a backup holds those of a folder of the tracker's own alone."""
    made = manifest.get("artifacts")
    if made is not None and wanted is None:
        raise Failure(f"it holds no artifacts: those of its runs are in {made}. Say `artifacts: {made}`, then `sesta up`")
    if wanted is not None and any(name.startswith("artifacts/") for name in manifest["files"]):
        raise Failure(f"it holds artifacts, and the tracker keeps its own in {wanted}. Leave `artifacts` out, then `sesta up`")


def newer(one, other):
    from packaging.version import Version

    return Version(one) > Version(other)


def main():
    what, keep, options, *operands = sys.argv[1:]
    options, passphrase = json.loads(options), sys.stdin.read()
    if what == "make":
        into, name, count, *why = operands
        make(keep, options, into, name, int(count), *(why or [""]), passphrase)
    else:
        restore(keep, options, *operands, passphrase)


if __name__ == "__main__":
    os.umask(0o077)
    try:
        main()
    except Failure as error:
        sys.exit(f"sesta: {error}")
    except OSError as error:
        sys.exit(f"sesta: {error.filename}: {error.strerror}" if error.filename else f"sesta: {error}")
