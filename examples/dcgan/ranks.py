# Which of the processes of a run this one is, and how they find each other: the variables that torchrun and Sesta set.
import os
import socket
import struct
from datetime import timedelta

import torch
import torch.distributed as dist


def join_ranks():
    """Number of this process, how many there are, its number on its machine, and what it computes on."""
    rank, count, local = read("RANK", 0), read("WORLD_SIZE", 1), read("LOCAL_RANK", 0)
    has_gpu = torch.cuda.is_available()
    device = torch.device("cuda", local) if has_gpu else torch.device("cpu")
    if has_gpu:
        torch.cuda.set_device(device)
    if count > 1:
        name_interface()
        backend = "nccl" if has_gpu else "gloo"
        dist.init_process_group(backend, init_method="env://", timeout=timedelta(minutes=10))
    return rank, count, local, device


def read(name, value):
    return int(os.environ.get(name, value))


def name_interface():
    """gloo offers the others what this machine's own name means, 127.0.1.1 on Debian: it is told a better interface."""
    try:
        master = socket.gethostbyname(os.environ["MASTER_ADDR"])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((master, 9))  # sends nothing, only looks up the way
            own = probe.getsockname()[0]
    except OSError:
        return
    for _, name in socket.if_nameindex():
        if find_address(name) == own:
            os.environ.setdefault("GLOO_SOCKET_IFNAME", name)


def find_address(interface):
    """None without one, and where the system is not Linux."""
    try:
        from fcntl import ioctl

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            request = struct.pack("256s", interface.encode()[:15])
            return socket.inet_ntoa(ioctl(asked, 0x8915, request)[20:24])  # SIOCGIFADDR, netdevice(7)
    except (ImportError, OSError):
        return None
