"""Makes the sample's tiny BERT: `python -m job.sample.make_model [FOLDER]`, a few minutes of CPU.

It never sees a label: a WordPiece vocabulary of the training sentences, and weights by masked-word
prediction on them (Devlin et al. 2018, https://arxiv.org/abs/1810.04805). Everything is seeded and
runs on one thread, so that the same machine gives the same bytes. Shape legend:

    B sentences of a step, L positions
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import BertWordPieceTokenizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertForMaskedLM, BertTokenizer

HERE = Path(__file__).parent
SEED = 7
SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]  # in the order of KcBERT's ids
PAD, UNK, CLS, SEP, MASK = range(5)
MERGES = 20  # wordpieces of more than one character: few, so that particles stay on their own
MAX_POSITIONS = 300  # KcBERT's
WAVE_HEIGHT = 0.08  # about as large as the other embeddings
STEPS = 4000
BATCH_SIZE = 32
LEARNING_RATE = 4e-3
MASKED_SHARE = 0.3  # of a corpus so small, 15 % teaches too slowly


def read_sentences(corpus: Path) -> list[str]:
    """The sentences of train.txt, without their tags."""
    lines = (corpus / "train.txt").read_text(encoding="utf-8").splitlines()
    return [line.split("␞")[0] for line in lines]


def make_vocabulary(sentences: Sequence[str]) -> list[str]:
    """Wordpieces in the order of their ids.

    The trainer numbers inner characters in the order of a hash table that differs from run to run,
    and breaks ties by number. Given as special tokens, they are numbered in our order.
    """
    words = [word for s in sentences for word, _ in BertPreTokenizer().pre_tokenize_str(s)]
    characters = sorted({character for word in words for character in word})
    inner = [f"##{character}" for character in characters]
    trainer = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    trainer.train_from_iterator(
        sentences,
        vocab_size=len(SPECIAL_TOKENS) + 2 * len(characters) + MERGES,
        special_tokens=[*SPECIAL_TOKENS, *inner],
        show_progress=False,
    )
    vocabulary = trainer.get_vocab()
    return sorted(vocabulary, key=vocabulary.__getitem__)


def make_tokenizer(vocabulary: Sequence[str]) -> BertTokenizer:
    ids = {wordpiece: i for i, wordpiece in enumerate(vocabulary)}
    return BertTokenizer(vocab=ids, do_lower_case=False, model_max_length=MAX_POSITIONS)


def make_network(vocabulary_size: int) -> BertForMaskedLM:
    """A BERT of two layers whose positions start as waves.

    Sinusoids (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762) make "the wordpiece before"
    easy to learn; from random vectors, 1,500 sentences are too few to learn it.
    """
    config = BertConfig(
        vocab_size=vocabulary_size,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=512,
        max_position_embeddings=MAX_POSITIONS,
        pad_token_id=PAD,
        initializer_range=0.06,  # 0.02 is for networks six times as wide
    )
    network = BertForMaskedLM(config)
    rates = 10000.0 ** (-torch.arange(0, config.hidden_size, 2) / config.hidden_size)
    angles = torch.arange(MAX_POSITIONS)[:, None] * rates
    waves = torch.stack([angles.sin(), angles.cos()], -1).flatten(1)
    network.bert.embeddings.position_embeddings.weight.data = WAVE_HEIGHT * waves
    return network


def masked_batch(
    ids: Sequence[Sequence[int]], rng: np.random.Generator, vocabulary_size: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """input_ids_BL, attention_mask_BL, and labels_BL: the wordpieces to predict, elsewhere -1.

    MASKED_SHARE of them are chosen, and masked, replaced by any other or kept, 80:10:10.
    """
    input_ids_BL = np.full((len(ids), max(map(len, ids)) + 2), PAD)
    for row, sentence in zip(input_ids_BL, ids, strict=True):
        row[: len(sentence) + 2] = [CLS, *sentence, SEP]
    chosen_BL = (rng.random(input_ids_BL.shape) < MASKED_SHARE) & (input_ids_BL > SEP)
    fate_BL = rng.random(input_ids_BL.shape)
    random_BL = rng.integers(len(SPECIAL_TOKENS), vocabulary_size, input_ids_BL.shape)
    shown_BL = np.where(chosen_BL & (fate_BL < 0.8), MASK, input_ids_BL)
    shown_BL = np.where(chosen_BL & (fate_BL >= 0.9), random_BL, shown_BL)
    labels_BL = np.where(chosen_BL, input_ids_BL, -1)
    return (
        torch.from_numpy(shown_BL).long(),
        torch.from_numpy(input_ids_BL != PAD).long(),
        torch.from_numpy(labels_BL).long(),
    )


def train(network: BertForMaskedLM, ids: Sequence[Sequence[int]]) -> None:
    """Masked-word prediction with AdamW, warm-up and linear decay, on sentences of like length."""
    rng = np.random.default_rng(SEED)
    by_length = sorted(ids, key=len)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    warmup = STEPS // 10
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (STEPS - step) / (STEPS - warmup))
    )
    network.train()
    for step in range(STEPS):
        first = rng.integers(0, len(ids) - BATCH_SIZE + 1)
        batch = by_length[first : first + BATCH_SIZE]
        input_ids_BL, mask_BL, labels_BL = masked_batch(batch, rng, network.config.vocab_size)
        hidden = network.bert(input_ids=input_ids_BL, attention_mask=mask_BL).last_hidden_state
        predicted_BL = labels_BL >= 0
        loss = cross_entropy(network.cls(hidden[predicted_BL]), labels_BL[predicted_BL])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        if step % 500 == 499:
            print(f"step {step + 1} of {STEPS}: loss {loss.item():.3f}", flush=True)


def origin(sentences: Sequence[str]) -> dict[str, str | float]:
    """The origin of the weights, so that a test can tell whether they are out of date."""
    unlabelled = "\n".join(sentences).encode()
    return {
        "sentences_sha256": hashlib.sha256(unlabelled).hexdigest(),
        "seed": SEED,
        "steps": STEPS,
        "batch_size": BATCH_SIZE,
        "learning_rate": LEARNING_RATE,
    }


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0]) if arguments else HERE / "model"
    sentences = read_sentences(HERE)
    tokenizer = make_tokenizer(make_vocabulary(sentences))
    tokenizer.save_pretrained(folder)
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    network = make_network(len(tokenizer))
    train(network, tokenizer(sentences, add_special_tokens=False)["input_ids"])
    network.config.architectures = ["BertForMaskedLM"]
    network.config.save_pretrained(folder)
    weights = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    for tied in network.all_tied_weights_keys:
        del weights[tied]
    # A second entry would make the file differ from run to run: its entries are in no fixed order.
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    (folder / "origin.json").write_text(json.dumps(origin(sentences), indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
