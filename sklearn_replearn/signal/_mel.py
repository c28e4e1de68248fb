"""Power spectra of frames, mel filters, cepstral coefficients and their changes."""

import numpy as np
from scipy.fft import dct, rfft
from scipy.signal import get_window, savgol_filter

#: Below 1,000 Hz the scale of Slaney's Auditory Toolbox is linear, with so many hertz
#: for a mel; above, 27 mels are a factor of 6.4.
HERTZ_PER_MEL, BREAK_HERTZ, MELS_PER_FACTOR, FACTOR = 200 / 3, 1000.0, 27, 6.4

#: Power below which a band counts as silent.
LEAST_POWER = 1e-10

#: Frames that a change is a slope of.
N_SLOPE = 9

#: Numbers of frames that are transformed at a time.
N_AT_ONCE = 1 << 20


def as_mel(hertz):
    """Frequencies on the mel scale."""
    hertz = np.asarray(hertz, dtype=float)
    above = np.log(np.maximum(hertz, BREAK_HERTZ) / BREAK_HERTZ) / np.log(FACTOR)
    linear = np.minimum(hertz, BREAK_HERTZ) / HERTZ_PER_MEL
    return linear + MELS_PER_FACTOR * above


def as_hertz(mel):
    """The inverse of `as_mel`."""
    mel = np.asarray(mel, dtype=float)
    at_break = BREAK_HERTZ / HERTZ_PER_MEL
    above = FACTOR ** (np.maximum(mel - at_break, 0) / MELS_PER_FACTOR)
    return np.minimum(mel, at_break) * HERTZ_PER_MEL * above


def mel_filters(sampling_rate, n_fft, n_mels, f_min, f_max):
    """Triangles of equal area, whose corners are equally far apart in mels.

    Returns
    -------
    filters : ndarray of shape (n_mels, n_fft // 2 + 1)
    """
    corners = as_hertz(np.linspace(as_mel(f_min), as_mel(f_max), n_mels + 2))
    places = np.fft.rfftfreq(n_fft, 1 / sampling_rate)
    distances = places - corners[:, np.newaxis]
    widths = np.diff(corners)[:, np.newaxis]
    rising, falling = distances[:-2] / widths[:-1], -distances[2:] / widths[1:]
    heights = 2 / (corners[2:] - corners[:-2])
    return np.maximum(0, np.minimum(rising, falling)) * heights[:, np.newaxis]


def power_spectra(wave, n_frame, n_hop, n_fft):
    """Power spectra of frames, each centered on a multiple of the hop.

    Beyond its ends a wave is zero.

    Parameters
    ----------
    wave : ndarray of shape (n_values,)
    n_frame, n_hop, n_fft : int
        Values of a frame, from one to the next, and of its padded transform.

    Returns
    -------
    spectra : ndarray of shape (1 + n_values // n_hop, n_fft // 2 + 1)
    """
    window = np.zeros(n_fft)
    start = (n_fft - n_frame) // 2
    window[start : start + n_frame] = get_window("hann", n_frame)
    padded = np.pad(wave, n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::n_hop]
    size = max(1, N_AT_ONCE // n_fft)
    return np.concatenate(
        [
            np.abs(rfft(frames[i : i + size] * window, axis=1)) ** 2
            for i in range(0, len(frames), size)
        ]
    )


def decibels(power, dynamic_range):
    """Power in decibels, with silence at so many below the loudest; None for none."""
    found = 10 * np.log10(np.maximum(power, LEAST_POWER))
    if dynamic_range is None:
        return found
    return np.maximum(found, found.max(initial=-np.inf) - dynamic_range)


def cepstra(bands, n_coefficients):
    """The first cosine coefficients of the bands of each frame."""
    return dct(bands, axis=1, norm="ortho")[:, :n_coefficients]


def changes(values):
    """Slopes over time, each of a line through nine frames."""
    # A shorter wave goes on as it ends.
    mode = "interp" if len(values) >= N_SLOPE else "nearest"
    return savgol_filter(values, N_SLOPE, 1, deriv=1, axis=0, mode=mode)
