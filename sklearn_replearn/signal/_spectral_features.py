"""Log-mel energies and cepstral coefficients of waves, pooled by segments."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_replearn._fitted_state import unchanged_by_errors
from sklearn_replearn._sklearn import (
    Interval,
    StrOptions,
    _check_feature_names_in,
    _fit_context,
)
from sklearn_replearn.signal._mel import (
    cepstra,
    changes,
    decibels,
    mel_filters,
    power_spectra,
)
from sklearn_replearn.signal._waves import read_waves

#: Frames are padded with zeros to a power of two, of so many values at least.
LEAST_TRANSFORM = 16


class SpectralFeatures(TransformerMixin, BaseEstimator):
    r"""Features of sound made by hand: log-mel energies or cepstral coefficients.

    The power spectrum of short frames of a wave is summed in bands of the mel scale,
    which are narrow where the ear tells tones apart well, and put in decibels (log-mel
    energies). Mel-frequency cepstral coefficients (MFCC) [1]_ are the first
    coefficients of the cosine transform of these: the shape of the spectrum without its
    detail. Both, and their slopes over time, are averaged in each of a few segments of
    a wave, of equal length, so that waves of any lengths get rows of one width that
    still know what comes first and what later; the standard deviations over the whole
    wave come behind.

    Frames, filters and slopes are as librosa has them by default but for their numbers
    and lengths: Hann windows, each centered on a multiple of the hop, with zeros beyond
    the ends of a wave, and padded to a power of two, at least 16 values; triangles of
    Slaney's mel scale with equal areas; decibels, of which those further below the
    loudest band of the wave than `dynamic_range` are cut off; an orthonormal cosine
    transform; slopes of lines through nine frames.

    X is a list of arrays of shape (n_values,) or (n_values, n_channels), one for each
    wave, of any lengths; an array of shape (n_waves, n_values, n_channels); or a table,
    each row a wave. int16 and int32 stand for [-1, 1].

    Parameters
    ----------
    kind : {"mfcc", "log_mel"}, default="mfcc"
        Coefficients, or energies.
    sampling_rate : float, default=16000
        Values of a wave in a second.
    n_mels : int, default=40
        Number of bands.
    n_coefficients : int, default=13
        Number of cepstral coefficients, at most `n_mels`; only with "mfcc".
    deltas : bool, default=True
        Whether slopes over time come along.
    n_segments : int, default=4
        Number of segments of a wave. A wave of fewer frames has frames in several.
    frame_duration : float, default=0.025
        Length of a frame in seconds, at least two values.
    hop_duration : float, default=0.01
        From one frame to the next, in seconds, at least one value.
    f_min : float, default=0.0
        Lowest frequency of the bands in hertz.
    f_max : float, default=None
        Highest one. ``None`` is half the sampling rate, the highest that there is.
    dynamic_range : float, default=80.0
        How many decibels below its loudest band a wave is silent. ``None`` sets no
        limit.

    Attributes
    ----------
    n_channels_ : int
        Number of channels of the waves; the features of each come one after another.
    n_features_in_ : int
        Number of values of the waves in :meth:`fit`, if X was a table.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, if X has string column names.

    See Also
    --------
    sklearn_replearn.self_supervised.SimCLR : Learned features of signals of one length.

    References
    ----------
    .. [1] S. B. Davis and P. Mermelstein, "Comparison of parametric representations for
       monosyllabic word recognition in continuously spoken sentences", IEEE
       Transactions on Acoustics, Speech and Signal Processing 28, 1980.

    Examples
    --------
    A rising and a falling tone, of different lengths:

    >>> import numpy as np
    >>> from sklearn_replearn.signal import SpectralFeatures
    >>> time = np.arange(8000) / 8000
    >>> waves = [np.sin(2000 * time**2), np.sin(2000 * time[:6000][::-1] ** 2)]
    >>> features = SpectralFeatures("log_mel", sampling_rate=8000, n_mels=10)
    >>> features.fit_transform(waves).shape
    (2, 100)
    >>> features.get_feature_names_out()[[0, 10, 40, 90]]
    array(['mel0_segment0', 'mel0_segment1', 'mel0_std', 'slope_mel0_std'],
          dtype=object)
    """

    _parameter_constraints = {
        "kind": [StrOptions({"mfcc", "log_mel"})],
        "sampling_rate": [Interval(Real, 0, None, closed="neither")],
        "n_mels": [Interval(Integral, 1, None, closed="left")],
        "n_coefficients": [Interval(Integral, 1, None, closed="left")],
        "deltas": ["boolean"],
        "n_segments": [Interval(Integral, 1, None, closed="left")],
        "frame_duration": [Interval(Real, 0, None, closed="neither")],
        "hop_duration": [Interval(Real, 0, None, closed="neither")],
        "f_min": [Interval(Real, 0, None, closed="left")],
        "f_max": [None, Interval(Real, 0, None, closed="neither")],
        "dynamic_range": [None, Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        kind="mfcc",
        *,
        sampling_rate=16000,
        n_mels=40,
        n_coefficients=13,
        deltas=True,
        n_segments=4,
        frame_duration=0.025,
        hop_duration=0.01,
        f_min=0.0,
        f_max=None,
        dynamic_range=80.0,
    ):
        self.kind = kind
        self.sampling_rate = sampling_rate
        self.n_mels = n_mels
        self.n_coefficients = n_coefficients
        self.deltas = deltas
        self.n_segments = n_segments
        self.frame_duration = frame_duration
        self.hop_duration = hop_duration
        self.f_min = f_min
        self.f_max = f_max
        self.dynamic_range = dynamic_range

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the waves and the parameters; nothing is learned.

        Parameters
        ----------
        X : list of arrays, array-like of shape (n_waves, n_values) or \
                (n_waves, n_values, n_channels)
            Waves.
        y : None
            Ignored.

        Returns
        -------
        self : SpectralFeatures

        Raises
        ------
        ValueError
            If a wave is shorter than a frame, holds NaN or infinity or has other
            channels than the others; if frames, bands or frequencies do not go
            together.
        """
        with unchanged_by_errors(self):
            self._read(X, reset=True)
            self._filters()
        return self

    def transform(self, X):
        """Pooled features of waves.

        Parameters
        ----------
        X : as in :meth:`fit`
            A table must have the columns of :meth:`fit`; other waves have any lengths.

        Returns
        -------
        Z : ndarray of shape (n_waves, n_features_out)
            Of each channel, means of the first segment, of the second, and so on, then
            the standard deviations; of the values, and behind them of their slopes. In
            the precision of X.
        """
        frames, dtype = self._frames(X)
        return np.stack([self._pooled(values) for values in frames]).astype(dtype)

    def transform_frames(self, X):
        """Features of each frame, before they are pooled.

        Parameters
        ----------
        X : as in :meth:`transform`

        Returns
        -------
        frames : list of ndarray of shape (n_frames, n_values)
            One for each wave: for each channel, the values and then their slopes. A
            frame stands on each multiple of the hop.
        """
        frames, dtype = self._frames(X)
        return [
            np.hstack([part for channel in values for part in channel]).astype(dtype)
            for values in frames
        ]

    def get_feature_names_out(self, input_features=None):
        """Names such as ``mfcc3_segment0`` and ``slope_mfcc3_std``.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Ignored, but must be those of :meth:`fit` if given.

        Returns
        -------
        names : ndarray of str
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features, generate_names=False)
        stem = "mfcc" if self.kind == "mfcc" else "mel"
        names = []
        for channel in range(self.n_channels_):
            prefix = f"channel{channel}_" if self.n_channels_ > 1 else ""
            for slope in ["", "slope_"][: 1 + bool(self.deltas)]:
                for pooled in [*(f"segment{i}" for i in range(self.n_segments)), "std"]:
                    names += [
                        f"{prefix}{slope}{stem}{i}_{pooled}"
                        for i in range(self._n_values())
                    ]
        return np.array(names, dtype=object)

    # -- computing ---------------------------------------------------------------

    def _frames(self, X):
        """For each wave and channel the values of its frames, and their slopes."""
        check_is_fitted(self)
        waves, is_single = self._read(X, reset=False)
        n_frame, n_hop, n_fft = self._sizes()
        filters = self._filters()
        frames = []
        for wave in waves:
            of_wave = []
            for channel in wave.T:
                power = power_spectra(channel, n_frame, n_hop, n_fft) @ filters.T
                values = decibels(power, self.dynamic_range)
                if self.kind == "mfcc":
                    values = cepstra(values, self.n_coefficients)
                of_wave.append([values, changes(values)][: 1 + bool(self.deltas)])
            frames.append(of_wave)
        return frames, np.float32 if is_single else np.float64

    def _pooled(self, of_wave):
        """Means of the segments of a wave, and deviations over all of it."""
        pooled = []
        for channel in of_wave:
            for values in channel:
                n_frames = len(values)
                starts = np.arange(self.n_segments) * n_frames // self.n_segments
                ends = np.append(starts[1:], n_frames)
                pooled += [
                    values[start : max(end, start + 1)].mean(axis=0)
                    for start, end in zip(starts, ends, strict=True)
                ]
                pooled.append(values.std(axis=0))
        return np.concatenate(pooled)

    def _n_values(self):
        """Number of values of a frame, without their slopes."""
        return self.n_coefficients if self.kind == "mfcc" else self.n_mels

    def _sizes(self):
        """Values of a frame, of a hop and of the transform, a power of two."""
        n_frame = round(self.frame_duration * self.sampling_rate)
        n_hop = round(self.hop_duration * self.sampling_rate)
        for name, n, least in (("frame", n_frame, 2), ("hop", n_hop, 1)):
            if n < least:
                raise ValueError(
                    f"{name}_duration={getattr(self, f'{name}_duration')} seconds at "
                    f"sampling_rate={self.sampling_rate} are {n} values, but at least "
                    f"{least} are needed; set sampling_rate to that of the waves, or "
                    f"raise {name}_duration."
                )
        return n_frame, n_hop, max(LEAST_TRANSFORM, 1 << (n_frame - 1).bit_length())

    def _filters(self):
        """The bands as a matrix, checked."""
        if self.kind == "mfcc" and self.n_coefficients > self.n_mels:
            raise ValueError(
                f"n_coefficients={self.n_coefficients} is more than n_mels="
                f"{self.n_mels}, of which they are a transform; lower it."
            )
        highest = self.sampling_rate / 2
        f_max = highest if self.f_max is None else self.f_max
        if not self.f_min < f_max <= highest:
            raise ValueError(
                f"The bands go from f_min={self.f_min} to f_max={f_max} hertz, but "
                "must lie between 0 and half of "
                f"sampling_rate={self.sampling_rate}, in this order."
            )
        _, _, n_fft = self._sizes()
        filters = mel_filters(self.sampling_rate, n_fft, self.n_mels, self.f_min, f_max)
        empty = ~filters.any(axis=1)
        if empty.any():
            raise ValueError(
                f"{empty.sum()} of n_mels={self.n_mels} bands are narrower than the "
                f"{self.sampling_rate / n_fft:.3g} hertz from one frequency of the "
                "spectrum to the next and would be silent; lower n_mels, or raise "
                "frame_duration."
            )
        return filters

    def _read(self, X, *, reset):
        """Waves, none shorter than a frame, and whether X is in single precision."""
        n_frame, _, _ = self._sizes()
        waves, is_single = read_waves(self, X, reset=reset)
        for position, wave in enumerate(waves):
            if len(wave) < n_frame:
                raise ValueError(
                    f"X[{position}] has n_features = {len(wave)} values, fewer than "
                    f"the {n_frame} of a frame of {self.frame_duration} seconds; set "
                    "sampling_rate to that of the waves, or lower frame_duration."
                )
        return waves, is_single

    @property
    def _n_features_out(self):
        n_pooled = self.n_segments + 1
        return (1 + bool(self.deltas)) * n_pooled * self._n_values() * self.n_channels_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        # Whether small tables, as scikit-learn's checks have them, are input: their
        # rows are shorter than most frames.
        numbers = self.frame_duration, self.sampling_rate
        is_valid = all(isinstance(number, Real) for number in numbers)
        tags.input_tags.two_d_array = is_valid and round(np.prod(numbers)) <= 2
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
