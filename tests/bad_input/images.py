"""Bad images and filters."""

CASES = [
    (
        "Images of another shape than said",
        "FilterBank(image_shape=(9, 9)).fit(images)",
        ValueError,
    ),
    (
        "Rows that do not have as many values as an image",
        "FilterBank(image_shape=(8, 8)).fit(table)",
        ValueError,
    ),
    (
        "Channels first",
        "HOG().fit(np.zeros((4, 3, 20, 20)))",
        ValueError,
    ),
    (
        "Other channels than in `fit`",
        "FilterBank().fit(images).transform(np.stack([images] * 3, axis=-1))",
        ValueError,
    ),
    (
        "Bytes in `fit`, and floats up to 255 in `transform`",
        "FilterBank().fit(images).transform(images.astype(float))",
        ValueError,
    ),
    (
        "Floats up to 255 in `fit`, and bytes in `transform`",
        "FilterBank().fit(images.astype(float)).transform(images)",
        ValueError,
    ),
    (
        "Fractions in `fit`, and floats up to 255 in `transform`",
        "HOG().fit(images / 255).transform(images.astype(float))",
        ValueError,
    ),
    (
        "Floats up to 255 in `fit`, and fractions in `transform`",
        "HOG().fit(images.astype(float)).transform(images / 255)",
        ValueError,
    ),
    (
        "Booleans in `fit`, and the same as bytes in `transform`",
        "HOG().fit(images > 99).transform((images > 99).astype(np.uint8))",
        ValueError,
    ),
    (
        "Bytes of 0 and 1",
        "HOG().fit((images > 99).astype(np.uint8)).output_shape_",
        UserWarning,
    ),
    (
        "Images of several shapes",
        "HOG().fit([np.zeros((16, 16)), np.zeros((16, 17))])",
        ValueError,
    ),
    ("Paths of images", "HOG().fit(['a.png', 'b.png'])", ValueError),
    (
        "A single image",
        "HOG(image_shape=(8, 8)).fit(images).transform(images[0])",
        ValueError,
    ),
    (
        "Images smaller than the filters",
        "FilterBank(np.ones((1, 9, 9))).fit(images)",
        ValueError,
    ),
    (
        "Filters for other channels",
        "FilterBank(np.ones((1, 3, 3, 4))).fit(images)",
        ValueError,
    ),
    ("An unknown filter", "FilterBank('prewitt').fit(images)", ValueError),
    (
        "Nothing to learn filters from",
        "FilterBank('kmeans').fit(np.ones((5, 8, 8)))",
        ValueError,
    ),
    (
        "Images smaller than a block",
        "HOG(cell_size=8).fit(images).cell_shape_",
        UserWarning,
    ),
    (
        "Images smaller than a patch",
        "BagOfVisualWords('patch', n_words=9, patch_size=20, random_state=0)"
        ".fit(images).patch_size_",
        UserWarning,
    ),
    (
        "More words than descriptors",
        "BagOfVisualWords('patch', n_words=99, patch_size=8, random_state=0)"
        ".fit(images).n_words_",
        UserWarning,
    ),
    (
        "Keypoints of signals",
        "BagOfVisualWords('sift').fit(table % 1)",
        ValueError,
    ),
    (
        "Rings about places of signals",
        "BagOfVisualWords('rift').fit(table)",
        ValueError,
    ),
    (
        "Images smaller than the kernels",
        "CNNFeatureExtractor(kernel_size=9).fit(images, classes)",
        ValueError,
    ),
    (
        "An unknown layer",
        "CNNFeatureExtractor(layer='conv1', max_epochs=1).fit(images, classes)",
        ValueError,
    ),
    ("No classes", "CNNFeatureExtractor().fit(images)", ValueError),
    ("One class", "CNNFeatureExtractor().fit(images, np.ones(20))", ValueError),
    (
        "An unknown augmentation",
        "CNNFeatureExtractor(augment='mirror').fit(images, classes)",
        ValueError,
    ),
    (
        "Signals to be rotated",
        "CNNFeatureExtractor(augment='rotate').fit(table, classes)",
        ValueError,
    ),
    (
        "Colors to be turned, where there are none",
        "CNNFeatureExtractor(augment=['flip', 'hue']).fit(images, classes)",
        ValueError,
    ),
    (
        "An amount out of range",
        "CNNFeatureExtractor(augment=[('blur', -1)]).fit(images, classes)",
        ValueError,
    ),
    (
        "A layer that the module does not have",
        "PretrainedFeatureExtractor(torch.nn.Sequential(torch.nn.Flatten()), "
        "layer='fc').fit(images)",
        ValueError,
    ),
    (
        "A module for images of another shape",
        "PretrainedFeatureExtractor(torch.nn.Conv2d(3, 4, 3)).fit(images)",
        ValueError,
    ),
    (
        "Floats beyond the range that `mean` and `std` assume",
        "PretrainedFeatureExtractor(torch.nn.Flatten(), mean=0.5)"
        ".fit(images.astype(float))",
        ValueError,
    ),
    (
        "Classes of a network that has none",
        "PretrainedFeatureExtractor(torch.nn.Flatten()).fit(images).predict(images)",
        AttributeError,
    ),
]
