# The ten steps for pyinfra. Data: dest, repo, factor, data (a folder here), into (a folder here), run ("yes").
from os import path

from pyinfra import host
from pyinfra.facts.files import File
from pyinfra.operations import apt, files, git, server

dest, work = host.data.dest, f"{host.data.dest}/work"
here = path.dirname(__file__)

apt.packages(name="1 packages", packages=["git", "make"])
files.directory(name="2 folder", path=f"{dest}/data", mode="755")
files.template(
    name="3 settings", src=path.join(here, "settings.env.j2"), dest=f"{dest}/settings.env", factor=host.data.factor
)
files.put(name="4 table", src=path.join(host.data.data, "table.csv"), dest=f"{dest}/data/table.csv")
files.put(name="5 check", src=path.join(host.data.data, "check.sh"), dest=f"{dest}/data/check.sh", mode="755")
git.repo(name="6 clone", src=host.data.repo, dest=work, branch="main")
files.link(name="7 link", path=f"{work}/data", target="../data", create_remote_dir=False)
if not host.get_fact(File, f"{work}/counter"):
    server.shell(name="8 build", commands=[f"make -C {work}"])
if host.data.run == "yes":
    server.shell(name="9 run", commands=[f"cd {work}; set -a; . ../settings.env; data/check.sh && ./counter >output.txt"])
    for name in ["output.txt", "results/sum.txt"]:
        files.get(
            name=f"10 fetch {name}",
            src=f"{work}/{name}",
            dest=path.join(host.data.into, path.basename(name)),
            add_deploy_dir=False,
            force=True,
        )
