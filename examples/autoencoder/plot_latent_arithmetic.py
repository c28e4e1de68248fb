r"""
Arithmetic with codes
=====================

Take the picture of a face with glasses, subtract the same face without, and add another
face. With pixels this puts the first one's glasses where the first one's eyes were.
With the codes of an autoencoder it can put glasses on the other face. Can it? Here the
true result is known, so that we can count.
"""

# %%
# Faces
# -----
# Each face has a place in the picture, a width, a distance of the eyes, a smile or not,
# and glasses or not. The program that draws them stands for a world in which pictures
# have causes; the autoencoder sees only pixels.

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np

from sklearn_replearn.autoencoder import VariationalAutoencoder
from sklearn_replearn.decomposition import ScaledPCA
from sklearn_replearn.plotting import LatentTraversalDisplay

SIDE = 20
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]


def stroke(distance, width):
    """Black where a line is near, with soft edges."""
    return np.clip(width + 0.5 - distance, 0, 1)


def draw_face(x, y, width, eyes, smile, glasses):
    dx, dy = COLUMNS - 9.5 - x, ROWS - 9.5 - y
    head = 7 * np.abs(np.hypot(dx / width, dy / 7.2) - 1)
    mouth = np.abs(dy - 3 - smile * (1.5 - dx**2 / 4))
    strokes = [stroke(head, 0.7), stroke(mouth, 0.5) * (np.abs(dx) < 3.5)]
    for eye in (-eyes, eyes):
        radius = np.hypot(dx - eye, dy + 2)
        strokes.append(stroke(radius, 0.6))
        strokes.append(glasses * stroke(np.abs(radius - 2.2), 0.4))
    strokes.append(glasses * stroke(np.abs(dy + 2), 0.4) * (np.abs(dx) < eyes - 2))
    return np.max(strokes, axis=0).ravel()


def think_of_faces(rng, n_faces):
    """What makes up each face; a smile is 1, or -1 if it is none."""
    return [
        {
            "x": rng.uniform(-1.5, 1.5),
            "y": rng.uniform(-1.5, 1.5),
            "width": rng.uniform(5.6, 7.4),
            "eyes": rng.uniform(2.6, 3.2),
            "smile": rng.choice([-1, 1]),
            "glasses": rng.integers(2),
        }
        for _ in range(n_faces)
    ]


def draw_faces(faces, **changes):
    return np.array([draw_face(**(face | changes)) for face in faces])


def show(rows, title):
    """Rows of pictures by name, as one image."""
    mosaic = [
        np.hstack([np.pad(picture.reshape(SIDE, SIDE), 1) for picture in pictures])
        for pictures in rows.values()
    ]
    n_columns = mosaic[0].shape[1] // (SIDE + 2)
    size = 0.75 * n_columns + 1.6, 0.75 * len(rows) + 0.4
    ax = plt.figure(figsize=size, layout="constrained").add_subplot()
    ax.imshow(np.vstack(mosaic), cmap="gray_r", vmin=0, vmax=1)
    middles = (np.arange(len(rows)) + 0.5) * (SIDE + 2)
    ax.set_yticks(middles, list(rows))
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(title)


rng = np.random.default_rng(0)
X_train = draw_faces(think_of_faces(rng, 6000))
show({"": X_train[:10], " ": X_train[10:20]}, "Some of 6,000 faces")
plt.show()

# %%
# Glasses on
# ----------
# Of 300 new faces A, each is drawn with glasses and without; 300 other faces B have
# none. With a code :math:`f` and its decoder :math:`g`, the sum is
#
# .. math:: g \big( f(\text{A with glasses}) - f(\text{A without}) + f(\text{B}) \big) .
#
# A variational autoencoder is a good choice, since its codes lie close together, and a
# sum of codes is likely to be the code of something. The sums of PCA are those of
# pixels, projected.

autoencoder = VariationalAutoencoder(
    8, hidden_layer_sizes=(256, 128), max_epochs=20, lr=0.006, random_state=0
).fit(X_train)
pca = ScaledPCA(8, with_std=False).fit(X_train)

ABSENT = {"glasses": 0, "smile": -1}
faces_a, faces_b = think_of_faces(rng, 300), think_of_faces(rng, 300)


def draw_sums(feature, mean=False):
    """B with the feature of A, or with the mean difference that it makes."""
    absent = {feature: ABSENT[feature]}
    pictures = [
        draw_faces(faces_a, **{feature: 1}),
        draw_faces(faces_a, **absent),
        draw_faces(faces_b, **absent),
    ]

    def add(with_feature, without, other):
        difference = with_feature - without
        return (difference.mean(axis=0) if mean else difference) + other

    return {
        "pixels": add(*pictures),
        "PCA": pca.inverse_transform(add(*map(pca.transform, pictures))),
        "codes": autoencoder.inverse_transform(
            add(*map(autoencoder.transform, pictures))
        ),
    }


rows = {
    "A, glasses": draw_faces(faces_a, glasses=1),
    "less A, none": draw_faces(faces_a, glasses=0),
    "plus B": draw_faces(faces_b, glasses=0),
}
rows |= {f"by {name}": sums for name, sums in draw_sums("glasses").items()}
rows["should be"] = draw_faces(faces_b, glasses=1)
show({name: pictures[:10] for name, pictures in rows.items()}, "Glasses for B")
plt.show()

# %%
# How often is it right?
# ----------------------
# Of each face B there are four true pictures: with glasses or without, smiling or not.
# A sum is right if the nearest of the four is the one that it should be. The error to
# that one tells how well it is drawn; that of B as it was stands first, to compare. The
# same is done with smiles, and with the mean difference of all faces A in place of that
# of one.


def judge(pictures, goals):
    """Share of pictures that are right, and squared error to what is right."""
    distances = {
        (glasses, smile): np.mean(
            (pictures - draw_faces(faces_b, glasses=glasses, smile=smile)) ** 2, axis=1
        )
        for glasses in (0, 1)
        for smile in (-1, 1)
    }
    nearest = np.min(list(distances.values()), axis=0)
    right = np.array(
        [distances[goal["glasses"], goal["smile"]][i] for i, goal in enumerate(goals)]
    )
    return np.mean(right == nearest), right.mean()


for feature, absent in ABSENT.items():
    goals = [face | {feature: 1} for face in faces_b]
    _, before = judge(draw_faces(faces_b, **{feature: absent}), goals)
    print(f"{feature}: error of B before {before:.4f}")
    for title, mean in {"one A": False, "mean of A": True}.items():
        for name, sums in draw_sums(feature, mean).items():
            share, error = judge(sums, goals)
            print(f"  {title:11s}{name:7s}{share:5.0%} right, error {error:.4f}")

# %%
# With pixels it works where A and B happen to be in the same place. With PCA about half
# of the sums come out right by this count, but with a larger error than if nothing had
# been added. With codes it nearly always works for glasses: the direction that means
# glasses is much the same wherever a face is, and the mean over many pairs is better
# still, since what is peculiar to one A averages out. The mean of pixels is a smear.
#
# A smile is a few pixels only, and less of a direction: how the code changes with it
# depends on the rest of the face. So a single pair may fail, and the mean over many is
# what helps.
#
# More or less of it
# ------------------
# The mean directions, added to the code of one face in steps, from a little of the
# opposite to more than all of it.


def find_direction(feature):
    present, absent = (
        autoencoder.transform(draw_faces(faces_a, **{feature: value}))
        for value in (1, ABSENT[feature])
    )
    return (present - absent).mean(axis=0)


directions = {feature: find_direction(feature) for feature in ABSENT}
directions["both"] = directions["glasses"] + directions["smile"]
code = autoencoder.transform(draw_faces(faces_b[:1], glasses=0, smile=-1))
steps = np.arange(-2, 8) / 5
decoded = [
    autoencoder.inverse_transform(code + steps[:, np.newaxis] * direction)
    for direction in directions.values()
]
LatentTraversalDisplay(
    decoded,
    steps,
    dimension_names=list(directions),
    step_name="how much of it is added",
    image_shape=(SIDE, SIDE),
    limits=(0, 1),
    estimator_name="Glasses, a smile, and both",
).plot(cmap="gray_r")
plt.show()
