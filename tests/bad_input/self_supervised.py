"""Bad input of networks that learn without labels."""

from sklearn.exceptions import ConvergenceWarning

CASES = [
    ("One row", "SimCLR().fit(table[:1])", ValueError),
    (
        "NaN",
        "SimCLR().fit([[1.0, np.nan], [2.0, 3.0]])",
        ValueError,
    ),
    (
        "One row to score",
        "SimCLR(2, max_epochs=1).fit(table).score(table[:1])",
        ValueError,
    ),
    (
        "One row to validate with",
        "SimCLR(2).fit(table, X_val=table[:1])",
        ValueError,
    ),
    (
        "One row held out",
        "SimCLR(2, early_stopping=True, validation_fraction=0.05).fit(table)",
        ValueError,
    ),
    ("One row in a batch", "SimCLR(2, batch_size=1).fit(table)", ValueError),
    ("Views without a change", "SimCLR(2, augment=[]).fit(table)", ValueError),
    (
        "Changes of images for a table",
        "SimCLR(2, augment='crop').fit(table)",
        ValueError,
    ),
    (
        "Changes of tables for images",
        "SimCLR(2, augment=['flip', 'corrupt']).fit(images)",
        ValueError,
    ),
    (
        "Changes of signals for images",
        "SimCLR(2, augment='time_mask').fit(images)",
        ValueError,
    ),
    (
        "A preset with an amount",
        "SimCLR(2, augment=[('strong', 0.5)]).fit(images)",
        ValueError,
    ),
    ("A stage that is not there", "SimCLR(2, layer='stage4').fit(images)", ValueError),
    (
        "Images in another unit",
        "SimCLR(2, max_epochs=1).fit(images).transform(images.astype(float))",
        ValueError,
    ),
    (
        "Rows that are all the same",
        "SimCLR(2, max_epochs=1, random_state=0).fit(np.ones((40, 5))).n_iter_",
        ConvergenceWarning,
    ),
    (
        "Views from which nothing can be learned",
        "SimCLR(2, augment=[('corrupt', 0.99)], max_epochs=20, random_state=0)"
        ".fit(table).n_iter_",
        ConvergenceWarning,
    ),
    ("One row for other losses", "VICReg().fit(table[:1])", ValueError),
    ("One row for a bank", "InstanceDiscrimination().fit(table[:1])", ValueError),
    (
        "NaN in a bank",
        "InstanceDiscrimination().fit(table * [1, 1, 1, np.nan])",
        ValueError,
    ),
    ("Batches of one row", "VICReg(2, batch_size=1).fit(table)", ValueError),
    (
        "One row to score by other losses",
        "VICReg(2, max_epochs=1).fit(table).score(table[:1])",
        ValueError,
    ),
    (
        "Batches of two rows",
        "VICReg(2, batch_size=2, max_epochs=1).fit(table).n_iter_",
        None,
    ),
    ("A weight below zero", "VICReg(2, variance_weight=-1).fit(table)", ValueError),
    (
        "A constant is the best projection",
        "VICReg(2, variance_weight=0, max_epochs=20, random_state=0)"
        ".fit(table).n_iter_",
        ConvergenceWarning,
    ),
    (
        "A temperature of zero",
        "InstanceDiscrimination(2, temperature=0).fit(table)",
        ValueError,
    ),
    (
        "A momentum that never changes the bank",
        "InstanceDiscrimination(2, momentum=1.0).fit(table)",
        ValueError,
    ),
    (
        "No negatives",
        "InstanceDiscrimination(2, n_negatives=0).fit(table)",
        ValueError,
    ),
    (
        "One row held out of a bank",
        "InstanceDiscrimination(2, early_stopping=True, validation_fraction=0.05)"
        ".fit(table)",
        ValueError,
    ),
    (
        "Constant images",
        "InstanceDiscrimination(2, max_epochs=10, random_state=0)"
        ".fit(np.ones((20, 8, 8))).n_iter_",
        ConvergenceWarning,
    ),
    ("Embeddings of different rows", "alignment(table, table[:5])", ValueError),
    ("An embedding without a direction", "uniformity(0 * table)", ValueError),
    (
        "A table to rotate",
        "PretextTransformer('rotation').fit(table)",
        ValueError,
    ),
    (
        "A signal to rotate",
        "PretextTransformer('rotation', encoder='cnn').fit(table)",
        ValueError,
    ),
    (
        "Columns of a table as a jigsaw",
        "PretextTransformer('jigsaw').fit(table)",
        ValueError,
    ),
    (
        "Quarter turns of images that are not square",
        "PretextTransformer('rotation').fit(images[:, :, :6])",
        ValueError,
    ),
    (
        "Colors of gray images",
        "PretextTransformer('colorization').fit(images)",
        ValueError,
    ),
    (
        "Images smaller than the grid",
        "PretextTransformer(Jigsaw(grid=5)).fit(images)",
        ValueError,
    ),
    ("An unknown task", "PretextTransformer('nonsense').fit(images)", ValueError),
    ("A class as a task", "PretextTransformer(Rotation).fit(images)", ValueError),
    (
        "More orders of tiles than there are",
        "PretextTransformer(Jigsaw(n_permutations=30), max_epochs=1).fit(images)"
        ".n_iter_",
        UserWarning,
    ),
    (
        "Images that are all the same",
        "PretextTransformer('inpainting', max_epochs=1).fit(np.ones((20, 8, 8)))"
        ".n_iter_",
        ConvergenceWarning,
    ),
]
