r"""
House prices and the structure of zip codes
===========================================

A zip code is a category with a structure. It belongs to a city, which belongs to a
county; it has a place on the map, and neighbours. Most encodings know nothing of it.
:class:`~sklearn_replearn.graph.NodeEncoder` brings it into a
:class:`~sklearn.compose.ColumnTransformer`: as a tree, as a graph of neighbours, or as
clusters of neighbours. When does it help?
"""

# %%
# Houses and places
# -----------------
# If the environment variable ``SKLEARN_REPLEARN_DATA`` names a folder that holds
# ``tables/kc_house_data.csv.xz`` and ``tables/us_zipcodes.csv.xz``, these are the
# houses sold in King County, around Seattle, in 2014 and 2015. Otherwise a table of the
# same kind is made: 70 zip codes lie scattered over a region, a city's codes next to
# each other, and prices change smoothly with the distance from two centres, and a
# little at random from one zip code to the next.

# sphinx_gallery_thumbnail_number = 2
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.collections import LineCollection
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import ShuffleSplit, cross_val_score
from sklearn.neighbors import kneighbors_graph
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from sklearn_replearn.graph import (
    GraphClusterEncoder,
    LaplacianEigenmaps,
    NetMF,
    NodeEncoder,
    tree_to_adjacency,
)

NUMBERS = ["sqft_living", "sqft_lot", "bedrooms", "bathrooms", "grade", "yr_built"]


def read_king_county(folder):
    houses = pd.read_csv(folder / "kc_house_data.csv.xz", dtype={"zipcode": str})
    places = pd.read_csv(folder / "us_zipcodes.csv.xz", dtype={"zip_code": str})
    places = places.rename(columns={"zip_code": "zipcode"})
    places = places[places["zipcode"].isin(houses["zipcode"])].reset_index(drop=True)
    return houses, places


def make_houses(rng, n_houses=8_000, n_cities=24, n_zipcodes=70):
    cities = rng.normal(size=(n_cities, 2)) * 0.18
    of_city = np.sort(rng.integers(n_cities, size=n_zipcodes))
    centroids = cities[of_city] + rng.normal(size=(n_zipcodes, 2)) * 0.05
    places = pd.DataFrame(
        {
            "zipcode": [f"{98001 + i}" for i in range(n_zipcodes)],
            "city": [f"city {city}" for city in of_city],
            "county": [f"county {int(x > 0)}" for x in cities[of_city, 0]],
            "state": "WA",
            "lat": 47.5 + centroids[:, 1],
            "long": -122.2 + centroids[:, 0] / np.cos(np.radians(47.5)),
        }
    )
    far = np.linalg.norm(centroids[:, np.newaxis] - cities[:2], axis=2).min(axis=1)
    premium = np.exp(-far / 0.15) + 0.06 * rng.normal(size=n_zipcodes)
    size = np.exp(rng.normal(7.5, 0.4, size=n_houses))
    grade = np.clip(7 + 2 * np.log(size / 1800) + rng.normal(size=n_houses), 3, 13)
    of_zipcode = rng.choice(n_zipcodes, n_houses, p=rng.dirichlet([3] * n_zipcodes))
    houses = pd.DataFrame(
        {
            "zipcode": places["zipcode"].to_numpy()[of_zipcode],
            "sqft_living": size.round(),
            "sqft_lot": np.exp(rng.normal(9, 0.8, size=n_houses)).round(),
            "bedrooms": np.clip(size / 700 + rng.normal(size=n_houses), 1, 8).round(),
            "bathrooms": np.clip(
                size / 900 + rng.normal(size=n_houses) / 2, 1, 6
            ).round(),
            "grade": grade.round(),
            "yr_built": rng.integers(1900, 2016, size=n_houses),
        }
    )
    log_price = 0.55 * np.log(size) + 0.15 * grade + 1.2 * premium[of_zipcode]
    noise = rng.normal(size=n_houses) * 0.2
    houses["price"] = np.exp(7.3 + log_price + noise).round()
    return houses, places


rng = np.random.default_rng(0)
folder = Path(os.environ.get("SKLEARN_REPLEARN_DATA", ""), "tables")
if (
    "SKLEARN_REPLEARN_DATA" in os.environ
    and (folder / "kc_house_data.csv.xz").is_file()
):
    where, (houses, places) = "King County", read_king_county(folder)
else:
    where, (houses, places) = "Generated houses", make_houses(rng)
houses[["sqft_living", "sqft_lot"]] = np.log(houses[["sqft_living", "sqft_lot"]])
y = np.log(houses["price"])
counts = houses["zipcode"].value_counts()
print(f"{where}: {len(houses)} houses, {counts.min()} to {counts.max()} a zip code")
print(places[["state", "county", "city", "zipcode"]].nunique().to_string())

# %%
# Two structures
# --------------
# The tree comes from a table of paths, from the coarsest level to the finest. The graph
# joins each zip code to the five nearest ones. Neither has seen a price, nor a house,
# so both may hold the zip codes of all houses, those to be predicted included.

tree = tree_to_adjacency(places, columns=["state", "county", "city", "zipcode"])

degrees = places[["long", "lat"]].to_numpy()
kilometres = 111.2 * degrees * [np.cos(np.radians(47.5)), 1]
nearest = kneighbors_graph(kilometres, n_neighbors=5)
graph = (nearest.maximum(nearest.T), places["zipcode"])  # an edge leads both ways

clusters = GraphClusterEncoder(12, random_state=0).fit(graph[0])
mean_price = np.exp(y.groupby(houses["zipcode"]).mean()).loc[places["zipcode"]]
fig, axes = plt.subplots(1, 2, figsize=(8.5, 4.2), layout="constrained")
for ax in axes:
    lines = degrees[np.transpose(graph[0].nonzero())]
    ax.add_collection(LineCollection(lines, color="0.75", linewidths=0.7, zorder=0))
    ax.set(xticks=[], yticks=[], aspect=1 / np.cos(np.radians(47.5)))
prices = axes[0].scatter(*degrees.T, c=mean_price / 1000, s=40, cmap="cividis")
fig.colorbar(prices, ax=axes[0], shrink=0.8, label="Mean price in 1,000 dollars")
axes[0].set_title("Prices, and which zip codes are neighbours")
colors = ["#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59"]
for label in range(clusters.n_clusters_):
    axes[1].scatter(
        *degrees[clusters.labels_ == label].T,
        s=40,
        color=colors[label % 6],
        marker="os"[label // 6],
    )
axes[1].set_title("Clusters of the graph")
plt.show()

# %%
# Seven encodings
# ---------------
# Everything else is the same: the columns of numbers, and a ridge regression on the
# logarithm of the price. The encoders sit where a one-hot encoder would sit.


def encode(graph, embedder):
    """An encoder of nodes, whose vectors are scaled over the nodes of the graph."""
    return NodeEncoder(graph, make_pipeline(embedder, StandardScaler()))


neighbours = encode(graph, LaplacianEigenmaps(12, normalization="random_walk"))
one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
encoders = {
    "no zip code": "drop",
    "ordinal": make_pipeline(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
        StandardScaler(),
    ),
    "one-hot": one_hot,
    "tree": encode(tree, NetMF(24, window=3, random_state=0)),
    "clusters": NodeEncoder(graph, GraphClusterEncoder(12, random_state=0)),
    "neighbours": neighbours,
    "neighbours and one-hot": make_union(neighbours, one_hot),
}


def scores(encoder, regressor, n_houses):
    """R² on 3,000 other houses, three times."""
    columns = make_column_transformer(
        (StandardScaler(), NUMBERS), (encoder, ["zipcode"])
    )
    model = make_pipeline(columns, regressor)
    folds = ShuffleSplit(3, train_size=n_houses, test_size=3_000, random_state=0)
    return cross_val_score(model, houses, y, cv=folds)


ridge = RidgeCV(np.logspace(-2, 3, 11))
sizes = [100, 200, 500, 1_000, 2_000, 4_000]
results = {
    name: np.array([scores(encoder, ridge, size) for size in sizes])
    for name, encoder in encoders.items()
}
print("Houses to learn from  " + "".join(f"{size:8,d}" for size in sizes))
for name, repeats in results.items():
    print(f"{name:22s}" + "".join(f"{mean:8.3f}" for mean in repeats.mean(axis=1)))

styles = {
    "no zip code": {"color": "#94a4a2", "linestyle": ":"},
    "ordinal": {"color": "#717581", "linestyle": "--"},
    "one-hot": {"color": "#ffa90e", "marker": "s"},
    "tree": {"color": "#832db6", "marker": "D"},
    "clusters": {"color": "#bd1f01", "marker": "^"},
    "neighbours": {"color": "#3f90da", "marker": "o"},
    "neighbours and one-hot": {"color": "black", "marker": "o", "markerfacecolor": "w"},
}
fig, ax = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
for name, repeats in results.items():
    ax.plot(sizes, repeats.mean(axis=1), label=name, **styles[name])
ax.set_xscale("log")
ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
ax.minorticks_off()
ax.set(xlabel="Houses to learn from", ylabel="R² of the logarithm of the price")
ax.grid(color="0.9")
ax.set_axisbelow(True)
fig.legend(loc="outside right center", frameon=False)
ax.set_title(f"{where}: seven encodings of the zip code")
plt.show()

# %%
# As a number, a zip code tells a linear model nothing. As one-hot columns it tells all
# that 70 free numbers can, but only if there are houses enough to fit them: with one or
# two houses for each zip code, what the neighbours cost says more. So neighbours win
# with few rows, one-hot with many, and both together are at or near the top everywhere:
# there the smooth part comes from the vectors, and what is peculiar to a zip code from
# its own column.
#
# Clusters are a coarser version of the neighbours. The tree is worth as much as its
# levels say about prices. In King County, where Seattle is one branch with about thirty
# zip codes, that is not much.
#
# A model of trees
# ----------------
# Gradient boosting can cut an ordinal code into pieces, so it makes something of it:
# zip codes are numbered from town to town. Zeros and ones it has to take one by one.
# Here are the scores with 200 and with 1,000 houses.

boosting = HistGradientBoostingRegressor(max_iter=60, random_state=0)
for name in ("ordinal", "one-hot", "neighbours"):
    means = [scores(encoders[name], boosting, size).mean() for size in (200, 1_000)]
    print(f"{name:22s}" + "".join(f"{mean:8.3f}" for mean in means))

# %%
# The vectors of the neighbours help it most.
