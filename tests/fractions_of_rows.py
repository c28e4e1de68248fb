"""Distances without rounding, as a reference."""

from fractions import Fraction


def fractions(row):
    return [Fraction(float(value)) for value in row]


def distances_of(query, gallery, metric):
    """Squared distances, or minus squared cosines with their sign, without rounding."""
    query, found = fractions(query), []
    for row in map(fractions, gallery):
        if metric == "euclidean":
            found.append(sum((a - b) ** 2 for a, b in zip(query, row, strict=True)))
            continue
        product = sum(a * b for a, b in zip(query, row, strict=True))
        square = sum(b * b for b in row)
        found.append(-product * abs(product) / square if square else Fraction(0))
    return found
