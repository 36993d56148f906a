# Trains a small network to tell the arms of a spiral apart; picks up where an earlier run of it was ended.
import argparse
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np

ARMS = 3
UNITS = 64
POINTS = 60_000
BATCH = 64
OUTPUT = Path("output")
CHECKPOINT = OUTPUT / "checkpoint.npz"


def main():
    options = parse_options()
    OUTPUT.mkdir(exist_ok=True)
    points, arms = make_spirals(options.seed)
    train, test = slice(POINTS // 6, None), slice(0, POINTS // 6)
    state = load_checkpoint(options) or begin(options)
    signals = note_signals()

    while state["epoch"] < options.epochs:
        for at in batches_left(state, options, len(points[train])):
            step(state, points[train][at], arms[train][at], options.lr)
            if signals:
                save_checkpoint(state, options)
                say(f"signal {signals[0]}: {CHECKPOINT} holds {progress(state)}")
                sys.exit(128 + signals[0])
        finish_epoch(state, options, judge(state, points[test], arms[test]))

    write_results(state, options)


def parse_options():
    parser = argparse.ArgumentParser(description="Tells the arms of a spiral apart.")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=0.002, help="of Adam")
    return parser.parse_args()


def make_spirals(seed):
    """Points of the plane, and which arm each is on; in random order."""
    random = np.random.default_rng([seed, 0])
    arms = random.integers(ARMS, size=POINTS)
    radius = np.sqrt(random.random(POINTS))
    angle = 2 * np.pi * arms / ARMS + 9 * radius + random.normal(scale=0.3, size=POINTS)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), arms


def begin(options):
    random = np.random.default_rng([options.seed, 1])
    sizes = [2, UNITS, UNITS, ARMS]
    state = {"epoch": 0, "batch": 0, "steps": 0, "loss": 0.0, "history": np.zeros((0, 3))}
    for layer, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        state[f"w{layer}"] = random.normal(scale=np.sqrt(2 / inputs), size=(inputs, outputs))
        state[f"b{layer}"] = np.zeros(outputs)
    for name in weights(state):
        state[f"mean_{name}"] = np.zeros_like(state[name])
        state[f"square_{name}"] = np.zeros_like(state[name])
    return state


def weights(state):
    return [name for name in state if name[0] in "wb" and name[1:].isdigit()]


def batches_left(state, options, count):
    """Their order follows from seed and epoch alone, so a run that is picked up goes on in the same one."""
    order = np.random.default_rng([options.seed, 2, state["epoch"]]).permutation(count)
    return np.split(order, range(BATCH, count, BATCH))[state["batch"] :]


def forward(state, points):
    """What each layer takes in, and at the end the logarithm of each arm's probability."""
    inputs = [points]
    for layer in range(2):
        inputs.append(np.maximum(inputs[-1] @ state[f"w{layer}"] + state[f"b{layer}"], 0))
    scores = inputs[-1] @ state["w2"] + state["b2"]
    scores -= scores.max(axis=1, keepdims=True)
    return inputs, scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


def step(state, points, arms, rate):
    inputs, logs = forward(state, points)
    state["loss"] += -logs[np.arange(len(arms)), arms].mean()
    state["batch"] += 1
    state["steps"] += 1
    slope = (np.exp(logs) - np.eye(ARMS)[arms]) / len(arms)
    for layer in (2, 1, 0):
        below = slope @ state[f"w{layer}"].T * (inputs[layer] > 0)
        adapt(state, f"w{layer}", inputs[layer].T @ slope, rate)
        adapt(state, f"b{layer}", slope.sum(axis=0), rate)
        slope = below


def adapt(state, name, slope, rate):
    """Adam, https://arxiv.org/abs/1412.6980, algorithm 1."""
    state[f"mean_{name}"] += 0.1 * (slope - state[f"mean_{name}"])
    state[f"square_{name}"] += 0.001 * (slope**2 - state[f"square_{name}"])
    mean = state[f"mean_{name}"] / (1 - 0.9 ** state["steps"])
    square = state[f"square_{name}"] / (1 - 0.999 ** state["steps"])
    state[name] = state[name] - rate * mean / (np.sqrt(square) + 1e-8)


def judge(state, points, arms):
    """Loss and accuracy on points that it was not trained with."""
    _, logs = forward(state, points)
    return -logs[np.arange(len(arms)), arms].mean(), (logs.argmax(axis=1) == arms).mean()


def finish_epoch(state, options, judged):
    trained = state["loss"] / state["batch"]
    state["history"] = np.vstack([state["history"], [trained, *judged]])
    state["epoch"] += 1
    state["batch"], state["loss"] = 0, 0.0
    save_checkpoint(state, options)
    say(
        f"epoch {state['epoch']}/{options.epochs}  loss {trained:.4f}  test loss {judged[0]:.4f}  accuracy {judged[1]:.4f}"
    )


def note_signals():
    """The signals so far; a list that fills while the program runs."""
    signals = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: signals.append(number))
    return signals


def save_checkpoint(state, options):
    fresh = CHECKPOINT.with_name("checkpoint.part.npz")
    np.savez(fresh, **state, seed=options.seed, lr=options.lr)
    os.replace(fresh, CHECKPOINT)


def load_checkpoint(options):
    """None where there is none, or one that other options made."""
    if not CHECKPOINT.exists():
        return None
    with np.load(CHECKPOINT) as stored:
        state = {name: stored[name] if stored[name].ndim else stored[name].item() for name in stored.files}
    if (state.pop("seed"), state.pop("lr")) != (options.seed, options.lr):
        say(f"{CHECKPOINT} has another seed or lr: beginning anew")
        return None
    say(f"{CHECKPOINT}: going on after {progress(state)}")
    return state


def progress(state):
    return f"{state['epoch']} epochs and {state['batch']} batches"


def write_results(state, options):
    trained, test_loss, accuracy = state["history"][-1] if len(state["history"]) else [None] * 3
    metrics = {"epochs": state["epoch"], "seed": options.seed, "lr": options.lr}
    metrics.update(loss=trained, test_loss=test_loss, accuracy=accuracy)
    (OUTPUT / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    rows = [
        f"{epoch},{row[0]:.6f},{row[1]:.6f},{row[2]:.6f}" for epoch, row in enumerate(state["history"], 1)
    ]
    (OUTPUT / "loss.csv").write_text("\n".join(["epoch,loss,test_loss,accuracy", *rows]) + "\n")
    np.savez(OUTPUT / "model.npz", **{name: state[name] for name in weights(state)})
    say(f"{OUTPUT}/ has metrics.json, loss.csv and model.npz")


def say(text):
    print(text, flush=True)


if __name__ == "__main__":
    main()
