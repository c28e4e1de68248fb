"""Views to look at: those that networks are trained on."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose

from sklearn_replearn._deep.input.augment import Augmentation, read_amounts
from sklearn_replearn._deep.input.changes import Values
from sklearn_replearn.self_supervised import SimCLR, random_views

RNG = np.random.default_rng(0)
IMAGES = RNG.random((12, 6, 8, 3), dtype=np.float32)
TABLE = RNG.random((12, 7))


def test_views_are_those_of_the_changes():
    views = random_views(IMAGES, "strong", n_views=2, random_state=3)
    x = torch.from_numpy(IMAGES).permute(0, 3, 1, 2)
    spread = float((IMAGES - IMAGES.mean(axis=0)).std())
    amounts = read_amounts("strong", (3, 6, 8))
    with torch.random.fork_rng():
        torch.manual_seed(3)
        change = Augmentation(amounts, Values(spread, 0.0, 1.0))
        expected = [change(x).permute(0, 2, 3, 1) for _ in range(2)]
    assert_allclose(views[:, 0], expected[0], atol=1e-5)
    assert_allclose(views[:, 1], expected[1], atol=1e-5)


def test_a_network_is_trained_on_such_views():
    """Noise of the same size is added to its rows, whose columns differ in unit."""
    seen = []

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(7, 2)

        def forward(self, x):
            if self.training:
                seen.append(x.detach().numpy().copy())
            return self.layer(x)

    X = RNG.normal(size=(4, 7)).astype(np.float32) * np.arange(10, 80, 10)
    model = SimCLR(2, encoder=Encoder(), augment=[("noise", 0.5)], max_epochs=400)
    model.set_params(random_state=0).fit(X)
    views = np.concatenate([x for x in seen if len(x) == 8])
    expected = random_views(X, [("noise", 0.5)], n_views=3000, random_state=0)
    added = (views.var(axis=0) - X.var(axis=0)).mean()
    assert added == pytest.approx((expected - X[:, None]).var(), rel=0.1)


@pytest.mark.parametrize(
    ("X", "options"),
    [
        (IMAGES, {}),
        (IMAGES[..., 0], {}),
        (IMAGES.reshape(12, -1), {"image_shape": (6, 8, 3)}),
        (TABLE, {}),
        (TABLE, {"signals": True}),
        (TABLE.astype(np.float32), {"augment": "noise"}),
        (pd.DataFrame(TABLE), {"augment": "strong"}),
    ],
)
def test_views_have_the_form_of_the_rows(X, options):
    views = random_views(X, **{"augment": "weak", **options}, n_views=5, random_state=0)
    assert views.shape == (12, 5, *np.shape(X)[1:])
    assert views.dtype == np.asarray(X).dtype
    assert len(np.unique(views[3], axis=0)) > 1
    again = random_views(X, **{"augment": "weak", **options}, n_views=5, random_state=0)
    np.testing.assert_array_equal(views, again)


def test_no_change_and_bytes():
    np.testing.assert_array_equal(random_views(TABLE, None)[:, 0], TABLE)
    codes = RNG.integers(0, 256, (5, 4, 4), dtype=np.uint8)
    views = random_views(codes, None)
    assert views.dtype == np.float32
    assert_allclose(views[:, 0], codes / 255, rtol=1e-6)
    rows = random_views(codes.reshape(5, 16), "noise", random_state=0)
    assert rows.max() > 10  # a table in bytes is in no other unit


def test_global_generators_are_left_alone():
    before = torch.get_rng_state()
    random_views(TABLE, "strong", random_state=0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("X", "options", "message"),
    [
        (TABLE, {"augment": "flip"}, "X has rows that are no images"),
        (IMAGES, {"augment": "corrupt"}, "for tables, but X has images"),
        (IMAGES, {"signals": True}, "signals=True, but X has images"),
        (IMAGES, {"n_views": 0}, "n_views must be a whole number of at least 1"),
        (IMAGES * np.nan, {}, "X contains NaN"),
        (TABLE, {"image_shape": (2, 3)}, "image_shape=.* makes 6"),
    ],
)
def test_bad_input(X, options, message):
    with pytest.raises(ValueError, match=message):
        random_views(X, **options)
