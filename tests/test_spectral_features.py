"""SpectralFeatures against sums written out and librosa, and waves of all forms."""

from math import cos, log10, pi, sqrt

import numpy as np
import pytest
from near import assert_near
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_replearn.signal import SpectralFeatures
from sklearn_replearn.signal._mel import as_hertz, as_mel, mel_filters

RNG = np.random.default_rng(0)
SMALL = {"sampling_rate": 1000, "n_mels": 5, "n_coefficients": 4}
WAVES = [RNG.normal(size=n) * np.linspace(0.1, 1, n) for n in (300, 47, 128, 25)]
BOTH = pytest.mark.parametrize("kind", ["log_mel", "mfcc"])


def power_by_loop(wave, n_frame, n_hop, n_fft):
    """Power of each frequency in each frame, one product after another."""
    start = (n_fft - n_frame) // 2
    frames = []
    for middle in range(0, len(wave) + 1, n_hop):
        values = []
        for i in range(n_fft):
            place = middle - n_fft // 2 + i
            inside = 0 <= place < len(wave) and start <= i < start + n_frame
            weight = 0.5 - 0.5 * cos(2 * pi * (i - start) / n_frame)
            values.append(weight * wave[place] if inside else 0.0)
        frames.append(
            [
                abs(
                    sum(
                        v * np.exp(-2j * pi * f * i / n_fft)
                        for i, v in enumerate(values)
                    )
                )
                ** 2
                for f in range(n_fft // 2 + 1)
            ]
        )
    return np.array(frames)


def test_mel_scale():
    assert as_mel(1000) == pytest.approx(15)
    assert as_mel(6400) == pytest.approx(15 + 27)
    hertz = np.array([0.0, 100, 999, 1001, 5000, 20000])
    np.testing.assert_allclose(as_hertz(as_mel(hertz)), hertz)


def test_filters_are_triangles_of_one_area():
    filters = mel_filters(16000, 1 << 16, 12, 50, 7000)
    areas = filters.sum(axis=1) * 16000 / (1 << 16)
    np.testing.assert_allclose(areas, 1, rtol=1e-3)
    places = np.fft.rfftfreq(1 << 16, 1 / 16000)
    peaks = places[filters.argmax(axis=1)]
    np.testing.assert_allclose(np.diff(as_mel(peaks)), as_mel(7000) / 13, rtol=0.1)
    assert not filters[:, (places < 50) | (places > 7000)].any()


@BOTH
def test_frames_by_loop(kind):
    features = SpectralFeatures(kind, deltas=False, dynamic_range=30, **SMALL)
    features.fit(WAVES)
    filters = mel_filters(1000, 32, 5, 0, 500)
    for wave, found in zip(WAVES, features.transform_frames(WAVES), strict=True):
        power = power_by_loop(wave, 25, 10, 32) @ filters.T
        expected = np.array([[10 * log10(max(p, 1e-10)) for p in row] for row in power])
        expected = np.maximum(expected, expected.max() - 30)
        if kind == "mfcc":
            expected = np.array(
                [
                    [
                        sqrt((1 if k == 0 else 2) / 5)
                        * sum(
                            v * cos(pi * k * (2 * m + 1) / 10)
                            for m, v in enumerate(row)
                        )
                        for k in range(4)
                    ]
                    for row in expected
                ]
            )
        np.testing.assert_allclose(found, expected, atol=1e-9 * np.abs(expected).max())


def test_slopes_are_those_of_lines():
    features = SpectralFeatures(**SMALL).fit(WAVES)
    for frames in features.transform_frames(WAVES):
        values, slopes = frames[:, :4], frames[:, 4:]
        for i in range(4, len(frames) - 4):
            line = np.polyfit(np.arange(9), values[i - 4 : i + 5], 1)
            np.testing.assert_allclose(slopes[i], line[0], atol=1e-9)


@BOTH
def test_segments_by_loop(kind):
    features = SpectralFeatures(kind, n_segments=3, deltas=True, **SMALL).fit(WAVES)
    Z = features.transform(WAVES)
    names = features.get_feature_names_out()
    assert Z.shape == (4, len(names))
    for row, frames in zip(Z, features.transform_frames(WAVES), strict=True):
        n, width = len(frames), frames.shape[1] // 2
        expected = []
        for part in (frames[:, :width], frames[:, width:]):
            for i in range(3):
                start = i * n // 3
                expected.append(part[start : max(start + 1, (i + 1) * n // 3)].mean(0))
            expected.append(part.std(axis=0))
        np.testing.assert_allclose(row, np.concatenate(expected))
    stem = "mel" if kind == "log_mel" else "mfcc"
    assert names[0] == f"{stem}0_segment0"
    assert names[-1] == f"slope_{stem}{width - 1}_std"


@BOTH
@pytest.mark.parametrize("rate", [16000, 22050])
def test_equal_to_librosa(kind, rate):
    librosa = pytest.importorskip("librosa")
    wave = RNG.normal(size=20011) * np.linspace(0, 1, 20011)
    n_frame, n_hop = round(0.025 * rate), round(0.01 * rate)
    n_fft = 1 << (n_frame - 1).bit_length()
    options = {"n_fft": n_fft, "win_length": n_frame, "hop_length": n_hop}
    power = librosa.feature.melspectrogram(y=wave, sr=rate, n_mels=40, **options)
    expected = librosa.power_to_db(power)
    if kind == "mfcc":
        expected = librosa.feature.mfcc(S=expected, n_mfcc=13)
    expected = np.vstack([expected, librosa.feature.delta(expected)]).T
    [found] = (
        SpectralFeatures(kind, sampling_rate=rate).fit([wave]).transform_frames([wave])
    )
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_forms_of_waves():
    features = SpectralFeatures(**SMALL)
    table = RNG.normal(size=(6, 90))
    expected = features.fit_transform(table)
    assert features.n_features_in_ == 90
    for form in (list(table), table[:, :, np.newaxis], table.tolist()):
        np.testing.assert_array_equal(features.fit_transform(form), expected)
    ragged = np.empty(4, dtype=object)
    ragged[:] = WAVES
    np.testing.assert_array_equal(
        features.fit_transform(ragged), features.fit_transform(WAVES)
    )
    assert not hasattr(features, "n_features_in_")
    features.transform([RNG.normal(size=1000)])
    as_integers = np.round(32767 * table / np.abs(table).max()).astype(np.int16)
    assert_near(
        features.fit_transform(as_integers), features.fit_transform(as_integers / 2**15)
    )
    single = features.fit_transform(table.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, rtol=1e-3, atol=1e-3)


def test_channels_come_one_after_another():
    stereo = RNG.normal(size=(5, 90, 2))
    features = SpectralFeatures(**SMALL).fit(stereo)
    parts = [
        SpectralFeatures(**SMALL).fit_transform(stereo[:, :, channel])
        for channel in (0, 1)
    ]
    np.testing.assert_array_equal(features.transform(stereo), np.hstack(parts))
    assert features.n_channels_ == 2
    assert features.get_feature_names_out()[-1].startswith("channel1_")


def test_a_wave_of_fewer_frames_than_segments():
    features = SpectralFeatures(n_segments=9, deltas=False, **SMALL)
    Z = features.fit_transform([WAVES[3]])
    assert Z.shape == (1, 40)
    assert np.isfinite(Z).all()


def test_silence_and_loudness():
    features = SpectralFeatures("log_mel", n_segments=1, deltas=False, **SMALL)
    Z = features.fit_transform([np.zeros(90), WAVES[0], 10 * WAVES[0]])
    np.testing.assert_allclose(Z[0, :5], -100)
    np.testing.assert_allclose(Z[2, :5] - Z[1, :5], 20)
    np.testing.assert_allclose(Z[2, 5:], Z[1, 5:], atol=1e-9)


def test_rising_and_falling_tones_are_told_apart():
    rng = np.random.default_rng(0)
    waves, y = [], np.arange(60) % 2
    for label in y:
        n = rng.integers(3000, 6000)
        tone = np.sin(np.linspace(0, 60, n) ** 2 + rng.uniform(0, 6))
        waves.append(tone[:: 1 - 2 * label] + 0.1 * rng.normal(size=n))
    pipe = make_pipeline(
        SpectralFeatures(sampling_rate=8000, deltas=False),
        StandardScaler(),
        LogisticRegression(),
    )
    grid = GridSearchCV(
        pipe, {"spectralfeatures__n_segments": [1, 2]}, n_jobs=2, error_score="raise"
    ).fit(waves[:40], y[:40])
    assert grid.best_params_ == {"spectralfeatures__n_segments": 2}
    assert grid.score(waves[40:], y[40:]) > 0.9
