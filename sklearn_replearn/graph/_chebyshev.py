"""Subspace iteration with Chebyshev filters, for the largest eigenpairs."""

import numpy as np

from sklearn_replearn._linalg import orthonormalize

#: Degree of the first filter, when little is known about the spectrum.
FIRST_DEGREE = 8


def filter_subspace(operator, n_wanted, width, tol, max_products):
    """The largest eigenpairs by subspace iteration with Chebyshev filters.

    A block of `width` vectors is multiplied by a polynomial of the matrix that is small
    on the unwanted part of the spectrum and grows fast above it, and the best
    approximations in its span take its place. Vectors that have converged are kept
    apart, and the others orthogonal to them.

    Parameters
    ----------
    operator : NormalizedAdjacency or LaplacianInverse
        A symmetric matrix S whose eigenvalues are at least -1, but for vectors that its
        method ``project`` removes.
    n_wanted : int
        Number of eigenpairs.
    width : int
        Number of vectors, more than `n_wanted`.
    tol : float
        Length of residuals, in units of eigenvalues that are larger than 1.
    max_products : int
        Products with S after which the iteration ends.

    Returns
    -------
    w : ndarray of shape (n_wanted,)
        In descending order.
    X : ndarray of shape (n_nodes, n_wanted)
    residual : float
        The largest length of ``S @ x - w * x``, in the same units.
    """
    rng = np.random.default_rng(0)  # so that no random_state is needed
    X = rng.standard_normal((operator.n_nodes, width))
    X, _ = orthonormalize(operator.project(X))
    degree, residual = FIRST_DEGREE, np.inf
    while True:
        image = operator @ X
        w, rotation = np.linalg.eigh(X.T @ image)
        w, rotation = w[::-1], rotation[:, ::-1]
        X, image = X @ rotation, image @ rotation
        residuals = np.linalg.norm(image - X * w, axis=0) / np.maximum(1, np.abs(w))
        residuals = residuals[:n_wanted]
        before, residual = residual, residuals.max()
        if residual <= tol or operator.n_products >= max_products:
            return w[:n_wanted], X[:, :n_wanted], float(residual)
        locked = int(np.argmax(residuals > tol))
        chebyshev = ChebyshevFilter(w, n_wanted, locked, degree)
        used = chebyshev.sufficient_degree(residual / tol)
        if used == degree and residual > before / 5:
            degree *= 2  # for the next time: this was too little
        X[:, locked:] = filtered(operator, chebyshev, X, image, used)


def filtered(operator, chebyshev, X, image, degree):
    """The columns of X that are not locked, filtered, and orthonormal to the others."""
    locked = X[:, : chebyshev.locked]
    Y = chebyshev.apply(operator, X, image, degree)
    for _ in range(2):  # once more, where nearly dependent columns lost digits
        Y -= locked @ (locked.T @ Y)
        Y[:], _ = orthonormalize(operator.project(Y))
    return Y


class ChebyshevFilter:
    r"""A Chebyshev polynomial, mapped to the unwanted eigenvalues.

    Between -1 and `end` its values are at most 1 in size, and above they grow with its
    degree as :math:`\cosh(\text{degree} \cdot \text{growth})`.

    Parameters
    ----------
    w : ndarray of shape (width,)
        Estimates of the largest eigenvalues, descending.
    n_wanted : int
        How many of them are wanted.
    locked : int
        How many of these have converged.
    degree : int
        The largest degree.
    """

    def __init__(self, w, n_wanted, locked, degree):
        last = w[n_wanted - 1]
        # The unwanted part ends at the smallest estimate, or so far below the wanted
        # ones that the polynomial is 10 there, where a multiple eigenvalue fills the
        # block.
        end = max(min(w[-1], last - (1 + last) * 9 / (4 * degree**2)), -0.95)
        self.locked = locked
        self.degree = degree
        self.centre, self.half_width = (end - 1) / 2, (end + 1) / 2
        self.top = max(w[locked], end)
        self.largest = w[0]
        self.growth_of_last = self._growth(last)
        self.growth_of_top = self._growth(self.top)

    def _growth(self, eigenvalue):
        return np.arccosh(max(1.0, (eigenvalue - self.centre) / self.half_width))

    def sufficient_degree(self, ratio):
        """The degree that brings errors down by a ratio, if the largest allows it.

        Columns that grow at different rates become dependent, so this limits it too.
        """
        needed = np.arccosh(3 * max(ratio, 1)) / max(self.growth_of_last, 1e-9)
        spread = 25 / max(self.growth_of_top - self.growth_of_last, 1e-9)
        return int(np.ceil(max(2, min(self.degree, needed, spread))))

    def apply(self, operator, X, image, degree):
        """Filter the columns of X that are not locked; they and `image` are lost.

        Scaled at each step to be 1 at the largest eigenvalue that is not locked.

        Parameters
        ----------
        X, image : ndarray of shape (n_nodes, width)
            Approximate eigenvectors, and their product with the matrix.
        """
        fixed = X[:, : self.locked]
        # Rounding errors grow fastest along vectors that are known, whose eigenvalue
        # is 1, or have converged.
        excess = self._growth(max(1.0, self.largest)) - self.growth_of_top
        period = max(1, int(14 / max(excess, 1e-9)))
        before, now = X[:, self.locked :], image[:, self.locked :]
        first = factor = self.half_width / (self.top - self.centre)
        now -= self.centre * before
        now *= factor / self.half_width
        for step in range(2, degree + 1):
            next_factor = 1 / (2 / first - factor)
            before *= -factor * next_factor
            self._add_product(operator, now, before, 2 * next_factor)
            before, now, factor = now, before, next_factor
            if step % period == 0:
                for block in (before, now):
                    operator.project(block)
                    block -= fixed @ (fixed.T @ block)
        lengths = np.linalg.norm(now, axis=0)
        now /= np.maximum(lengths, np.finfo(now.dtype).tiny)
        return now

    def _add_product(self, operator, X, total, factor):
        """Add to `total` the product of the matrix, mapped to [-1, 1], and X."""
        product = operator @ X
        product -= self.centre * X
        product *= factor / self.half_width
        total += product
