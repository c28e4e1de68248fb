"""Texts as the tokens of a language model, and tokens as a text."""

from sklearn_replearn._tokens import make_splitter

#: Words with their apostrophes and hyphens, and marks.
WORDS = r"(?u)\w+(?:['\u2019\-]\w+)*|[^\w\s]"


def train_tokenizer(tokenizer, texts, *, lowercase, vocabulary_size, min_count):
    """What `fit` has to learn of texts to split others: a BPE as JSON, or None.

    Raises
    ------
    ImportError
        If the library tokenizers is needed and not there.
    """
    if tokenizer != "bpe":
        return None
    try:
        from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    except ImportError:
        raise ImportError(
            "tokenizer='bpe' needs the library tokenizers: pip install "
            "'sklearn-replearn[language]'."
        ) from None
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=min_count,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    texts = (text.lower() for text in texts) if lowercase else texts
    bpe.train_from_iterator(texts, trainer)
    return bpe.to_str()


def splitter(tokenizer, trained, lowercase):
    """A function from a string to its tokens."""
    if tokenizer == "word":
        return make_splitter(None, lowercase, WORDS)
    if tokenizer == "character":
        return make_splitter(list, lowercase, None)
    if tokenizer == "bpe":
        from tokenizers import Tokenizer

        bpe = Tokenizer.from_str(trained)
        return make_splitter(lambda text: bpe.encode(text).tokens, lowercase, None)
    return make_splitter(tokenizer, lowercase, None)


def refuse_lists(tokenizer, tokenized):
    """Raise if a tokenizer of strings is given lists of tokens."""
    if tokenized and tokenizer in ("bpe", "character"):
        raise ValueError(
            f"tokenizer={tokenizer!r} splits strings, but X holds lists of tokens; "
            "pass strings, or set tokenizer='word', which keeps the lists."
        )


def join_tokens(tokenizer, trained, tokens):
    """The text of some tokens; words have spaces between them."""
    if tokenizer == "character":
        return "".join(tokens)
    if tokenizer == "bpe":
        from tokenizers import Tokenizer

        return Tokenizer.from_str(trained).decoder.decode(tokens).strip()
    return " ".join(tokens)
