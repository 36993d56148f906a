# Draws handwritten-looking digits of 28x28 pixels into the four files that MNIST has, so that no download is needed.
import argparse
from pathlib import Path

import numpy as np

from idx import write_idx

SIDE = 28
# The strokes of each digit as a pen draws them: corners in a box from (-1, -1), top left, to (1, 1).
ARC = [(np.cos(turn), np.sin(turn)) for turn in np.linspace(0, 2 * np.pi, 13)]


def arc(x, y, width, height, first, last):
    """A part of an ellipse; a whole one has 12 steps, step 0 is at its right, 3 at its bottom."""
    steps = range(first, last + (1 if last >= first else -1), 1 if last >= first else -1)
    return [(x + width * ARC[step % 12][0], y + height * ARC[step % 12][1]) for step in steps]


STROKES = {
    0: [arc(0, 0, 0.62, 0.95, 0, 12)],
    1: [[(-0.35, -0.6), (0.05, -0.95), (0.05, 0.95)]],
    2: [[*arc(0, -0.4, 0.58, 0.55, -6, 1), (-0.6, 0.92), (0.65, 0.92)]],
    3: [[*arc(-0.05, -0.45, 0.55, 0.48, -5, 3), *arc(-0.05, 0.45, 0.6, 0.5, -3, 5)]],
    4: [[(0.3, 0.95), (0.3, -0.95), (-0.65, 0.35), (0.7, 0.35)]],
    5: [[(0.55, -0.92), (-0.45, -0.92), (-0.5, -0.1), *arc(-0.02, 0.35, 0.58, 0.58, -3, 5)]],
    6: [[(0.4, -0.92), (-0.3, -0.3), *arc(0, 0.42, 0.55, 0.52, 6, -6)]],
    7: [[(-0.6, -0.9), (0.6, -0.9), (-0.15, 0.95)]],
    8: [arc(0, -0.45, 0.45, 0.47, 0, 12), arc(0, 0.47, 0.56, 0.48, 0, 12)],
    9: [[*arc(0, -0.42, 0.52, 0.52, 0, 12), (0.4, 0.95)]],
}


def main():
    parser = argparse.ArgumentParser(description="Draws digits into the files that MNIST has.")
    parser.add_argument("folder", nargs="?", default="data")
    parser.add_argument("--train", type=int, default=20_000, help="how many to train with")
    parser.add_argument("--test", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    make_digits(options.folder, options.train, options.test, options.seed)


def make_digits(folder, train=20_000, test=10_000, seed=0):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for part, (name, count) in enumerate((("train", train), ("t10k", test))):
        images, labels = draw(count, np.random.default_rng([seed, part]))
        write_idx(folder / f"{name}-labels-idx1-ubyte.gz", labels)
        write_idx(folder / f"{name}-images-idx3-ubyte.gz", images)
        print(f"{folder}: {count} digits for {name}", flush=True)


def draw(count, random):
    labels = random.integers(10, size=count, dtype=np.uint8)
    images = np.empty((count, SIDE, SIDE), dtype=np.uint8)
    for digit, strokes in STROKES.items():
        [places] = np.nonzero(labels == digit)
        for some in np.array_split(places, len(places) // 500 + 1):
            images[some] = draw_digit(strokes, len(some), random)
    return images, labels


def draw_digit(strokes, count, random):
    """Each with a hand of its own: size, slant, place, width of the pen, a little shaking and noise."""
    scale = random.uniform([5.5, 7.5], [8.5, 9.5], (count, 1, 2))
    slant = random.uniform(-0.25, 0.25, (count, 1))
    place = SIDE / 2 - 0.5 + random.uniform(-1.5, 1.5, (count, 1, 2))
    width = random.uniform(0.8, 1.6, (count, 1, 1))
    nearest = np.full((count, SIDE, SIDE), np.inf, dtype=np.float32)
    for stroke in strokes:
        corners = np.array(stroke) + random.normal(scale=0.04, size=(count, len(stroke), 2))
        corners[..., 0] -= slant * corners[..., 1]
        corners = (corners * scale + place).astype(np.float32)
        for index in range(len(stroke) - 1):
            np.minimum(nearest, distances(corners[:, index], corners[:, index + 1]), out=nearest)
    ink = np.clip(width + 0.5 - np.sqrt(nearest), 0, 1)
    ink *= random.uniform(0.85, 1, (count, 1, 1))
    ink += random.normal(scale=0.02, size=ink.shape) * (ink > 0)
    return np.clip(ink * 255, 0, 255).astype(np.uint8)


def distances(start, end):
    """The squared distance of each pixel from a line; both ends as pairs (x, y) of pixels, one pair an image."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    x, y = (columns - start[:, 0, None, None]), (rows - start[:, 1, None, None])
    along_x, along_y = np.moveaxis((end - start)[:, :, None, None], 1, 0)
    part = np.clip((x * along_x + y * along_y) / (along_x**2 + along_y**2 + 1e-6), 0, 1)
    return (x - part * along_x) ** 2 + (y - part * along_y) ** 2


if __name__ == "__main__":
    main()
