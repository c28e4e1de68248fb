"""Bad tables, options and modules of networks."""

from sklearn.exceptions import ConvergenceWarning

CASES = [
    ("NaN", "Autoencoder(2).fit([[1.0, np.nan], [2.0, 3.0]])", ValueError),
    (
        "Infinity in `transform`",
        "Autoencoder(2).fit(table).transform([[1.0, np.inf, 0.0, 0.0]])",
        ValueError,
    ),
    ("One row", "Autoencoder(2).fit([[1.0, 2.0]])", ValueError),
    ("One column", "Autoencoder(1).fit(table[:, :1]).transform([[1.0]]).shape", None),
    (
        "A constant column",
        "Autoencoder(1).fit(table * [1, 1, 1, 0] + 9).reconstruct(table[:1]).round(2)",
        None,
    ),
    (
        "Nothing but constant columns",
        "Autoencoder(1).fit(np.ones((20, 3))).effective_rank_",
        ConvergenceWarning,
    ),
    ("Huge values", "Autoencoder(2).fit(1e200 * table)", ValueError),
    (
        "Too large a learning rate",
        "Autoencoder(2, optimizer='sgd', lr=1e9).fit(table)",
        ValueError,
    ),
    (
        "Too small a learning rate",
        "Autoencoder(2, optimizer='sgd', lr=1e-30).fit(table)",
        ConvergenceWarning,
    ),
    (
        "More rows in a batch than there are",
        "Autoencoder(2, batch_size=50).fit(table).n_iter_",
        UserWarning,
    ),
    (
        "No row left for the validation set",
        "Autoencoder(2, early_stopping=True, validation_fraction=0.01).fit(table)",
        ValueError,
    ),
    (
        "Too few rows of a class to hold some out",
        "SupConTransformer(2, early_stopping=True).fit(table, np.arange(20) > 18)",
        ValueError,
    ),
    (
        "Validation data of another width",
        "Autoencoder(2).fit(table, X_val=table[:, :3])",
        ValueError,
    ),
    (
        "Validation data without classes",
        "CNNFeatureExtractor().fit(table, classes, X_val=table)",
        ValueError,
    ),
    (
        "A class that is only in the validation data",
        "CNNFeatureExtractor().fit(table, classes, X_val=table, y_val=classes + 1)",
        ValueError,
    ),
    (
        "Classes of validation data alone",
        "CNNFeatureExtractor().fit(table, classes, y_val=classes)",
        ValueError,
    ),
    (
        "A negative weight",
        "CNNFeatureExtractor().fit(table, classes, sample_weight=classes - 0.5)",
        ValueError,
    ),
    (
        "Only weights of zero",
        "CNNFeatureExtractor().fit(table, classes, sample_weight=0 * classes)",
        ValueError,
    ),
    (
        "Weights for rows of which pairs are formed",
        "PairClassifier(input='rows').fit(table, classes, sample_weight=classes)",
        ValueError,
    ),
    ("An unknown optimizer", "Autoencoder(2, optimizer='ada').fit(table)", ValueError),
    (
        "An optimizer that sets another learning rate",
        "Autoencoder(2, optimizer=partial(torch.optim.SGD, lr=0.5)).fit(table)",
        ValueError,
    ),
    (
        "An option that the optimizer refuses",
        "Autoencoder(2, optimizer=partial(torch.optim.SGD, momentum=-1)).fit(table)",
        ValueError,
    ),
    (
        "A callback and a schedule that both set the learning rate",
        "Autoencoder(2, callbacks=[LRScheduler()], lr_schedule='cosine').fit(table)",
        ValueError,
    ),
    (
        "A callback for held-out rows without any",
        "Autoencoder(2, callbacks=[Checkpoint()]).fit(table)",
        ValueError,
    ),
    (
        "A callback for unknown weights",
        "Autoencoder(2, callbacks=[Freezer('encodr.*')]).fit(table)",
        ValueError,
    ),
    (
        "A scheduler of torch in place of a callback",
        "Autoencoder(2, callbacks=[torch.optim.lr_scheduler.StepLR]).fit(table)",
        ValueError,
    ),
    ("An unknown device", "Autoencoder(2, device='gpu').fit(table)", ValueError),
    (
        "Values that are no probabilities",
        "Autoencoder(2, loss='binary_cross_entropy').fit(table)",
        ValueError,
    ),
    (
        "A module with outputs of the wrong shape",
        "Autoencoder(2, encoder=torch.nn.Linear(4, 3)).fit(table)",
        ValueError,
    ),
    (
        "A module that cannot take the input",
        "Autoencoder(2, encoder=torch.nn.Linear(9, 2)).fit(table)",
        ValueError,
    ),
    (
        "A module whose layers have no shape yet",
        "Autoencoder(2, encoder=torch.nn.LazyLinear(2)).fit(table)",
        ValueError,
    ),
    (
        "A module that mixes rows",
        "Autoencoder(4, encoder=torch.nn.BatchNorm1d(4, track_running_stats=False))"
        ".fit(table)",
        ValueError,
    ),
    (
        "A module with NaN",
        "Autoencoder(2, encoder=torch.nn.Sequential(torch.nn.Linear(4, 2), "
        "torch.nn.Threshold(9, float('nan')))).fit(table)",
        ValueError,
    ),
    (
        "Dates in place of numbers",
        "Autoencoder(2).fit(np.arange(40).reshape(10, 4).astype('datetime64[D]'))",
        ValueError,
    ),
    (
        "Validation data that are no probabilities",
        "Autoencoder(2, loss='binary_cross_entropy').fit(table > 0, X_val=table)",
        ValueError,
    ),
    (
        "Weights that torch cannot pickle",
        "Autoencoder(2, encoder=torch.nn.utils.parametrizations.weight_norm("
        "torch.nn.Linear(4, 2))).fit(table)",
        ValueError,
    ),
    (
        "No units in a layer",
        "Autoencoder(2, hidden_layer_sizes=(8, 0)).fit(table)",
        ValueError,
    ),
    (
        "A warm start with the parameters of another network",
        "Autoencoder(2, warm_start=True).fit(table)"
        ".set_params(n_components=3).fit(table)",
        ValueError,
    ),
    (
        "An unknown layer",
        "Autoencoder(2, hidden_layer_sizes=()).fit(table).as_module('head')",
        ValueError,
    ),
    (
        "All values masked",
        "DenoisingAutoencoder(2, noise='masking', noise_level=1.0).fit(table)",
        ValueError,
    ),
    (
        "More components than can be split evenly among the codes",
        "VQAutoencoder(4, n_codes=3).fit(table)",
        ValueError,
    ),
    (
        "More codes than numbers",
        "VQAutoencoder(4, n_codes=8, codebook_size=2, random_state=0)"
        ".fit(table).n_codes_",
        UserWarning,
    ),
    (
        "A weight under which every code is the same",
        "VariationalAutoencoder(2, beta=1e4).fit(table)",
        ConvergenceWarning,
    ),
    (
        "Images of another shape than said",
        "ConvAutoencoder(2, image_shape=(3, 3)).fit(table)",
        ValueError,
    ),
]
