"""Bad input of waves."""

CASES = [
    (
        "Rows that are shorter than a frame",
        "SpectralFeatures().fit(table)",
        ValueError,
    ),
    (
        "A wave that is shorter than a frame",
        "SpectralFeatures().fit([np.ones(500), np.ones(100)])",
        ValueError,
    ),
    ("An empty wave", "SpectralFeatures().fit([np.ones(500), []])", ValueError),
    ("No waves", "SpectralFeatures().fit([])", ValueError),
    (
        "NaN in a wave",
        "SpectralFeatures().fit([np.ones(500), np.full(500, np.nan)])",
        ValueError,
    ),
    (
        "Waves of other channels",
        "SpectralFeatures().fit([np.ones(500), np.ones((500, 2))])",
        ValueError,
    ),
    (
        "Other channels than in fit",
        "SpectralFeatures().fit([np.ones(500)]).transform([np.ones((500, 2))])",
        ValueError,
    ),
    (
        "A wave of three axes",
        "SpectralFeatures().fit([np.ones((500, 2, 2))])",
        ValueError,
    ),
    (
        "A single wave in place of several",
        "SpectralFeatures().fit(np.ones(500))",
        ValueError,
    ),
    (
        "More coefficients than bands",
        "SpectralFeatures(n_mels=10).fit([np.ones(500)])",
        ValueError,
    ),
    (
        "Bands that are too narrow",
        "SpectralFeatures(n_mels=300).fit([np.ones(500)])",
        ValueError,
    ),
    (
        "Frequencies above half the sampling rate",
        "SpectralFeatures(f_max=9000).fit([np.ones(500)])",
        ValueError,
    ),
    (
        "Frequencies in the wrong order",
        "SpectralFeatures(f_min=500, f_max=100).fit([np.ones(500)])",
        ValueError,
    ),
    (
        "A sampling rate in kilohertz",
        "SpectralFeatures(sampling_rate=16).fit([np.ones(500)])",
        ValueError,
    ),
    ("Words as waves", "SpectralFeatures().fit(['a wave', 'two'])", ValueError),
    ("Frames before fit", "SpectralFeatures().transform_frames(table)", ValueError),
]
