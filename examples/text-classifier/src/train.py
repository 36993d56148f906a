"""Trains and judges the classifier: python src/train.py [--epochs 15] [--model linear|bert]."""
import argparse
import json
import sys
from pathlib import Path

from sklearn.metrics import accuracy_score, f1_score, log_loss

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from src import corpus, model  # noqa: E402
from src.plot import draw_confusion  # noqa: E402
from src.tracking import track  # noqa: E402

OUTPUT = Path("output")
LEARNING_RATES = {"linear": 0.3, "bert": 5e-5}


def main(arguments=None):
    options = parse_options(arguments)
    train_texts, train_topics, test_texts, test_topics = corpus.load()
    chosen = model.create(options, train_texts, train_topics)
    with track({**list_params(options), "texts": len(train_texts)}) as run:
        step = 0
        for epoch in range(1, options.epochs + 1):
            losses = list(chosen.learn())
            judged = judge(chosen, test_texts, test_topics)
            run.log_epoch(step + 1, losses, judged)
            step += len(losses)
            say_epoch(epoch, options.epochs, losses, judged)
        metrics = write_results(chosen, test_texts, test_topics)
        run.finish(chosen, test_texts[:3], metrics, OUTPUT)
    print(f"accuracy: {metrics['accuracy']:.4f}\nf1: {metrics['f1']:.4f}")
    print(f"{OUTPUT}/ has metrics.json and confusion.png", flush=True)


def parse_options(arguments):
    parser = argparse.ArgumentParser(description="Says what a short text is about.")
    parser.add_argument("--model", choices=["linear", "bert"], default="linear")
    parser.add_argument("--epochs", type=positive, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, help="learning rate; 0.3 for linear, 5e-5 for bert")
    parser.add_argument(
        "--pretrained", default="bert-base-multilingual-cased", help="of bert: where it begins"
    )
    options = parser.parse_args(arguments)
    options.lr = options.lr or LEARNING_RATES[options.model]
    return options


def list_params(options):
    """What the model depends on."""
    left_out = {"pretrained"} if options.model == "linear" else set()
    return {name: value for name, value in vars(options).items() if name not in left_out}


def positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def judge(chosen, texts, topics):
    """How it does on texts that it was not trained with."""
    chances = chosen.chances(texts)
    return {
        "test_loss": float(log_loss(topics, chances, labels=chosen.classes)),
        "test_accuracy": float(accuracy_score(topics, name_topics(chosen, chances))),
    }


def name_topics(chosen, chances):
    return [chosen.classes[at] for at in chances.argmax(axis=1)]


def say_epoch(epoch, epochs, losses, judged):
    loss = sum(losses) / len(losses)
    print(
        f"epoch {epoch}/{epochs}  loss {loss:.4f}  test loss {judged['test_loss']:.4f}"
        f"  accuracy {judged['test_accuracy']:.4f}",
        flush=True,
    )


def write_results(chosen, texts, topics):
    """metrics.json and confusion.png; returns the metrics."""
    OUTPUT.mkdir(exist_ok=True)
    predicted = name_topics(chosen, chosen.chances(texts))
    metrics = {
        "accuracy": float(accuracy_score(topics, predicted)),
        "f1": float(f1_score(topics, predicted, average="macro")),
    }
    (OUTPUT / "metrics.json").write_text(json.dumps(metrics) + "\n")
    draw_confusion(OUTPUT / "confusion.png", topics, predicted, chosen.classes)
    return metrics


if __name__ == "__main__":
    main()
