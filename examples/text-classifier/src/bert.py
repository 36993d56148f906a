"""A BERT in place of the linear model: pip install torch transformers, then --model bert."""
import sys
import tempfile

try:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
except ImportError as error:
    missing = "torch and transformers, which requirements.txt leaves out"
    sys.exit(f"--model bert needs {missing}: {error}")

BATCH = 16
LONGEST = 64


class Bert:
    """Fine-tunes what --pretrained names: a model of the Hugging Face Hub, or a folder."""

    def __init__(self, options, texts, topics):
        torch.manual_seed(options.seed)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.classes = sorted(set(topics))
        self.texts = texts
        self.labels = torch.tensor([self.classes.index(topic) for topic in topics])
        self.tokens = AutoTokenizer.from_pretrained(options.pretrained)
        self.network = AutoModelForSequenceClassification.from_pretrained(
            options.pretrained,
            num_labels=len(self.classes),
            id2label=dict(enumerate(self.classes)),
            label2id={topic: at for at, topic in enumerate(self.classes)},
            # One that was trained for other classes begins with a new last layer.
            ignore_mismatched_sizes=True,
        ).to(self.device)
        self.steps = torch.optim.AdamW(self.network.parameters(), lr=options.lr)

    def learn(self):
        """One epoch: the loss of each batch before it was learnt from, as they go by."""
        self.network.train()
        for at in torch.randperm(len(self.texts)).split(BATCH):
            inputs = self.encode([self.texts[index] for index in at])
            loss = self.network(**inputs, labels=self.labels[at].to(self.device)).loss
            self.steps.zero_grad()
            loss.backward()
            self.steps.step()
            yield loss.item()

    def chances(self, texts):
        """A row for each text, a column for each class."""
        self.network.eval()
        parts = [texts[at : at + BATCH] for at in range(0, len(texts), BATCH)]
        with torch.no_grad():
            scores = [self.network(**self.encode(part)).logits.double() for part in parts]
        return torch.cat(scores).softmax(1).cpu().numpy()

    def log(self, mlflow, texts):
        """Puts network and tokenizer into the run that is open, as transformers reads them."""
        with tempfile.TemporaryDirectory() as folder:
            self.network.save_pretrained(folder)
            self.tokens.save_pretrained(folder)
            mlflow.log_artifacts(folder, "model")

    def encode(self, texts):
        encoded = self.tokens(
            texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
        )
        return encoded.to(self.device)
