# Trains a DCGAN that draws digits: alone, or as one of several processes that torchrun or Sesta start.
import argparse
import time
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import interpolate
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

from idx import read_idx
from make_digits import make_digits
from networks import build_networks
from png import tile, write_png
from ranks import join_ranks

NOISE = 64
judge = nn.BCEWithLogitsLoss()


def main():
    options = parse_options()
    rank, count, local, device = join_ranks()
    torch.manual_seed(options.seed)
    generator, discriminator = build_networks(options.image_size, NOISE, options.width)
    shown = torch.randn(64, NOISE)
    torch.manual_seed(options.seed + rank)  # from here on each process has noise of its own

    images = load_images(options, local)
    loader, sampler = load_in_parts(images, options, rank, count)
    players = Players(generator.to(device), discriminator.to(device), count > 1, options.lr)
    place = f"{count} x {device.type}"
    say(rank, f"{len(images)} digits, {len(loader)} batches of {options.batch_size} on {place}")

    for epoch in range(1, options.num_epochs + 1):
        sampler.set_epoch(epoch)
        began = time.monotonic()
        for batch, (real,) in enumerate(loader, 1):
            losses = players.play(prepare(real, options.image_size, device))
            if batch % options.log_every == 0 or batch == len(loader):
                loss_d, loss_g = average(losses, count)
                at = f"epoch {epoch}/{options.num_epochs}  batch {batch}/{len(loader)}"
                took = time.monotonic() - began
                say(rank, f"{at}  loss_d {loss_d:.4f}  loss_g {loss_g:.4f}  {took:.1f} s")
        if rank == 0:
            write_results(Path(options.out_folder), epoch, generator, discriminator, shown.to(device))
    if count > 1:
        dist.barrier()
        dist.destroy_process_group()


def parse_options():
    parser = argparse.ArgumentParser(description="Trains a DCGAN that draws digits.")
    parser.add_argument(
        "--dataset", choices=["mnist"], default="mnist", help="four IDX files with MNIST's names"
    )
    parser.add_argument("--dataroot", default="data", help="the folder that has them")
    parser.add_argument(
        "--download", action="store_true", help="make them where they are missing; drawn, no network"
    )
    parser.add_argument("--test_data", action="store_true", help="train with the smaller set, t10k")
    parser.add_argument("--image_size", type=int, default=28, help="28, 32 or 64; what differs is scaled")
    parser.add_argument("--batch_size", type=int, default=64, help="of each process")
    parser.add_argument("--num_epochs", type=int, default=1)
    parser.add_argument("--out_folder", default="output")
    parser.add_argument(
        "--max_workers", type=int, default=1, help="processes that load data; 0: none besides this"
    )
    parser.add_argument("--width", type=int, default=16, help="channels of the largest layers")
    parser.add_argument("--lr", type=float, default=0.001)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log_every", type=int, default=10, help="batches")
    # torch.distributed.launch gives it; the variable LOCAL_RANK says the same.
    parser.add_argument("--local_rank", "--local-rank", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def load_images(options, local):
    """Each machine has its own copy; the first process on it makes what is missing, the same on every machine."""
    name = "t10k" if options.test_data else "train"
    path = Path(options.dataroot) / f"{name}-images-idx3-ubyte.gz"
    if local == 0 and options.download and not path.exists():
        make_digits(options.dataroot)
    if dist.is_initialized():
        dist.barrier()
    if not path.exists():
        raise SystemExit(f"{path} is missing: add --download, or run make_digits.py {options.dataroot}")
    return torch.from_numpy(read_idx(path).copy()).unsqueeze(1)


def load_in_parts(images, options, rank, count):
    sampler = DistributedSampler(images, count, rank, seed=options.seed)
    loader = DataLoader(
        TensorDataset(images),
        options.batch_size,
        sampler=sampler,
        drop_last=True,
        num_workers=options.max_workers,
        persistent_workers=options.max_workers > 0,
    )
    return loader, sampler


def prepare(images, size, device):
    """From bytes to -1..1, which is what the generator's tanh can reach."""
    images = images.to(device).float() / 127.5 - 1
    if images.shape[-1] == size:
        return images
    return interpolate(images, size=size, mode="bilinear", align_corners=False)


class Players:
    def __init__(self, generator, discriminator, distributed, lr):
        wrap = DistributedDataParallel if distributed else lambda network: network
        self.generator, self.discriminator = wrap(generator), wrap(discriminator)
        self.optimizers = [
            torch.optim.Adam(network.parameters(), lr, betas=(0.5, 0.999))
            for network in (discriminator, generator)
        ]

    def play(self, real):
        """One move of each; the losses of discriminator and generator."""
        of_discriminator, of_generator = self.optimizers
        fake = self.generator(torch.randn(len(real), NOISE, device=real.device))

        of_discriminator.zero_grad()
        loss_real = self.score(real, 0.9)  # a little doubt keeps it from being too sure to learn from
        loss_real.backward()
        loss_fake = self.score(fake.detach(), 0.0)
        loss_fake.backward()
        of_discriminator.step()

        of_generator.zero_grad()
        self.discriminator.requires_grad_(False)
        loss_generator = self.score(fake, 1.0)
        loss_generator.backward()
        self.discriminator.requires_grad_(True)
        of_generator.step()
        return torch.stack([loss_real + loss_fake, loss_generator]).detach()

    def score(self, images, wanted):
        scores = self.discriminator(images)
        return judge(scores, torch.full_like(scores, wanted))


def average(losses, count):
    """Over all processes."""
    if count > 1:
        dist.all_reduce(losses)
    return (losses / count).tolist()


def write_results(out, epoch, generator, discriminator, noise):
    out.mkdir(parents=True, exist_ok=True)
    generator.eval()
    with torch.no_grad():
        pictures = generator(noise).squeeze(1).cpu().numpy()
    generator.train()
    write_png(out / f"samples_epoch_{epoch}.png", tile((pictures + 1) / 2, 8))
    torch.save(generator.state_dict(), out / "generator.pt")
    torch.save(discriminator.state_dict(), out / "discriminator.pt")


def say(rank, text):
    if rank == 0:
        print(text, flush=True)


if __name__ == "__main__":
    main()
