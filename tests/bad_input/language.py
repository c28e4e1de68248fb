"""Bad input of language models."""

CASES = [
    (
        "No folder of that name",
        "PretrainedTextEncoder('no_such_model').fit(documents)",
        FileNotFoundError,
    ),
    (
        "A folder without config.json",
        "PretrainedTextEncoder(model_without('config.json')).fit(documents)",
        FileNotFoundError,
    ),
    (
        "A folder without weights",
        "PretrainedTextEncoder(model_without('model.safetensors')).fit(documents)",
        FileNotFoundError,
    ),
    (
        "A folder without a vocabulary",
        "PretrainedTextEncoder(model_without('vocab.txt')).fit(documents)",
        FileNotFoundError,
    ),
    (
        "A model of another family",
        "PretrainedTextEncoder(model_with(model_type='gpt2')).fit(documents)",
        ValueError,
    ),
    (
        "Weights of another shape",
        "PretrainedTextEncoder(model_with(intermediate_size=16)).fit(documents)",
        ValueError,
    ),
    (
        "Fewer weights than the configuration says",
        "PretrainedTextEncoder(model_with(num_hidden_layers=4)).fit(documents)",
        ValueError,
    ),
    (
        "A vocabulary with more pieces than the model",
        "PretrainedTextEncoder(model_with(vocab_size=20)).fit(documents)",
        ValueError,
    ),
    (
        "A tokenizer with ids that the model has not",
        "PretrainedTextEncoder(model_with(), tokenizer=lambda text: [len(text), 999])"
        ".fit(documents)",
        ValueError,
    ),
    (
        "A tokenizer that gives words",
        "PretrainedTextEncoder(model_with(), tokenizer=str.split).fit(documents)",
        ValueError,
    ),
    (
        "A module without a tokenizer",
        "PretrainedTextEncoder(torch.nn.Embedding(9, 2)).fit(documents)",
        ValueError,
    ),
    (
        "A layer that the model has not",
        "PretrainedTextEncoder(model_with(), layer=12).fit(documents)",
        ValueError,
    ),
    (
        "More tokens at once than the model has positions for",
        "PretrainedTextEncoder(model_with(), max_length=512).fit(documents)",
        ValueError,
    ),
    (
        "Documents of unknown words only",
        "PretrainedTextEncoder(model_with()).fit(['\u0436\u0449', ''])",
        ValueError,
    ),
    (
        "A document of unknown words only, and an empty one",
        "PretrainedTextEncoder(model_with()).fit(documents)"
        ".transform(['\u0436\u0449', '']).any()",
        None,
    ),
    (
        "Texts that are truncated",
        "PretrainedTextEncoder(model_with(), max_length=8, long_texts='truncate')"
        ".fit(documents).n_components_",
        UserWarning,
    ),
    (
        "No classes for a head",
        "PretrainedTextEncoder(model_with(), fine_tune='head').fit(documents)",
        ValueError,
    ),
]
