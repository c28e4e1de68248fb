"""Bad input of language models."""

CASES = [
    ("No documents", "CausalLanguageModel().fit([])", ValueError),
    ("Empty documents alone", "CausalLanguageModel().fit(['', ''])", ValueError),
    (
        "One string instead of a list",
        "CausalLanguageModel().fit('the cat')",
        ValueError,
    ),
    (
        "A generator where documents must be read more than once",
        "CausalLanguageModel().fit(text for text in documents)",
        ValueError,
    ),
    (
        "No word that occurs often enough",
        "CausalLanguageModel(min_count=5).fit(documents)",
        ValueError,
    ),
    (
        "A vocabulary of one word",
        "CausalLanguageModel(vocabulary_size=1).fit(documents)",
        ValueError,
    ),
    (
        "A context longer than every document",
        "small_language_model(context=512).fit(documents).transform(documents).shape",
        None,
    ),
    (
        "A document of unknown words only",
        "small_language_model().fit(documents).transform(['zebra', ''])",
        None,
    ),
    (
        "Documents without a token to score",
        "small_language_model().fit(documents).score(['', ''])",
        ValueError,
    ),
    (
        "Empty documents to validate with",
        "small_language_model().fit(documents, X_val=[''])",
        ValueError,
    ),
    (
        "A prompt longer than the context",
        "small_language_model(context=4).fit(documents)"
        ".generate(['the dog sat a cat'], 2, temperature=0)",
        UserWarning,
    ),
    (
        "A prompt that is no list",
        "small_language_model().fit(documents).generate('the cat')",
        ValueError,
    ),
    (
        "A temperature below zero",
        "small_language_model().fit(documents).generate(['the'], temperature=-1)",
        ValueError,
    ),
    (
        "No token to choose among",
        "small_language_model().fit(documents).generate(['the'], top_k=0)",
        ValueError,
    ),
    (
        "Strings in `fit`, tokens in `transform`",
        "small_language_model().fit(documents).transform([['the', 'cat']])",
        ValueError,
    ),
    (
        "Lists for a tokenizer of strings",
        "CausalLanguageModel(tokenizer='bpe').fit([['the', 'cat'], ['the', 'dog']])",
        ValueError,
    ),
    (
        "A tokenizer that gives no list of strings",
        "CausalLanguageModel(tokenizer=len).fit(documents)",
        ValueError,
    ),
    (
        "Heads that do not share the components evenly",
        "CausalLanguageModel(10, n_heads=4).fit(documents)",
        ValueError,
    ),
    (
        "A layer that is not there",
        "CausalLanguageModel(n_layers=2, layer=3).fit(documents)",
        ValueError,
    ),
    (
        "A start that is not fitted",
        "CausalLanguageModel(init=PMIEmbedding()).fit(documents)",
        ValueError,
    ),
    (
        "A start with too many components",
        "CausalLanguageModel(4, init=PMIEmbedding(5, min_count=1).fit(documents))"
        ".fit(documents)",
        ValueError,
    ),
    (
        "A start without a word of the documents",
        "CausalLanguageModel(init=PMIEmbedding(2, min_count=1).fit(documents))"
        ".fit(['so be it'] * 2)",
        ValueError,
    ),
    (
        "No missing word in a text",
        "MaskedLanguageModel(8, max_epochs=1).fit(documents).fill_mask(['the cat'])",
        ValueError,
    ),
    (
        "A share of hidden words that leaves none",
        "MaskedLanguageModel(mask_share=1.0).fit(documents)",
        ValueError,
    ),
    (
        "An unknown word in a query",
        "small_language_model().fit(documents).most_similar('cats')",
        ValueError,
    ),
    (
        "Documents of one sentence, and a task about several",
        "SentenceEmbedding().fit(documents)",
        ValueError,
    ),
    (
        "A single pair of neighbors",
        "SentenceEmbedding(min_count=1).fit(['The cat sat. It ran.', 'The dog'])",
        ValueError,
    ),
    (
        "Documents too short for a permutation",
        "SentenceEmbedding(task='permutation').fit(['The cat sat. The dog sat.'] * 3)",
        ValueError,
    ),
    (
        "Texts without emoji",
        "SentenceEmbedding(task='emoji').fit(documents)",
        ValueError,
    ),
    (
        "A single emoji",
        "SentenceEmbedding(task='emoji').fit(['the cat \U0001f600'] * 3)",
        ValueError,
    ),
    (
        "No other sentences in a batch",
        "SentenceEmbedding(batch_size=1).fit(stories)",
        ValueError,
    ),
    (
        "A sentence that is a number",
        "SentenceEmbedding().fit([['The cat sat.', 5]])",
        ValueError,
    ),
    (
        "A token that is a number",
        "SentenceEmbedding().fit([[['the', 'cat'], ['it', 5]]])",
        ValueError,
    ),
    (
        "Tokens in place of sentences",
        "SentenceEmbedding(8, max_epochs=1).fit([['the', 'cat'], ['a', 'cat']] * 3)",
        UserWarning,
    ),
    (
        "Sentences as strings and as tokens",
        "SentenceEmbedding().fit([['The cat sat.'], [['the', 'dog']]])",
        ValueError,
    ),
    (
        "Tokens for a tokenizer of strings",
        "SentenceEmbedding(tokenizer='bpe').fit([[['the', 'cat'], ['it', 'sat']]] * 3)",
        ValueError,
    ),
    (
        "Heads that do not share the components of sentences evenly",
        "SentenceEmbedding(10, encoder='transformer').fit(stories)",
        ValueError,
    ),
    (
        "Too few documents to hold some out",
        "SentenceEmbedding(early_stopping=True).fit(['. '.join(stories)])",
        ValueError,
    ),
    (
        "Documents of one sentence in `transform`, and of unknown words",
        "SentenceEmbedding(8, max_epochs=1).fit(stories)"
        ".transform(['the cat', 'zebra', '']).shape",
        None,
    ),
    (
        "Documents of one sentence to score",
        "SentenceEmbedding(8, max_epochs=1).fit(stories).score(['The cat sat.'])",
        ValueError,
    ),
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
