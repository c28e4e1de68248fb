"""What is asked about sentences, and the losses of the answers."""

from itertools import permutations
from math import log

import torch
from torch.nn import functional

from sklearn_replearn._deep.objectives.losses import cross_entropy_both_ways
from sklearn_replearn._deep.objectives.objective import Batch, Objective
from sklearn_replearn._deep.objectives.tuple_losses import Tally


class Task:
    """Questions about runs of sentences.

    Parameters
    ----------
    n_parts : int
        Sentences of a run.
    """

    #: Whether `draw` draws random numbers.
    draws = False

    def __init__(self, n_parts):
        self.n_parts = n_parts

    def draw(self, n, targets):
        """A whole number for each of n runs, which makes a question of it."""
        return torch.zeros(n, dtype=torch.int64)

    def arrange(self, runs, drawn):
        """The sentences of questions, from those of runs.

        Parameters
        ----------
        runs : tensor of shape (n_runs, n_parts, ...)
            Vectors, or numbers, of sentences.
        drawn : tensor of int64, of shape (n_runs,)

        Returns
        -------
        questions : tensor of shape (n_runs, n_sentences, ...)
        """
        return runs

    def loss(self, head, z, drawn):
        """The mean loss, and that of answers that do not look at the sentences.

        Parameters
        ----------
        head : module
        z : tensor of shape (n_runs, n_sentences, n_components)
            Vectors of the sentences of questions.
        drawn : tensor of int64, of shape (n_runs,)
        """
        raise NotImplementedError

    def right(self, head, z, drawn):
        """Share of right answers to each question, a tensor of shape (n_runs,)."""
        raise NotImplementedError


class Neighbor(Task):
    """Which of the second sentences of a batch is behind which of the first ones?

    A question has a third sentence, a random one.
    """

    draws = True

    def draw(self, n, targets):
        """The number of another run for each, whose second sentence is the third."""
        return (torch.arange(n) + torch.randint(1, max(2, n), (n,))) % n

    def arrange(self, runs, drawn):
        return torch.cat([runs, runs[drawn, 1:]], 1)

    def loss(self, head, z, drawn):
        u, v, _ = z.unbind(1)
        return cross_entropy_both_ways(head.of_all(u, v)), log(len(z))

    def right(self, head, z, drawn):
        u, v, other = z.unbind(1)
        true, random = head(u, v), head(u, other)
        return (true > random).double() + 0.5 * (true == random)


class Next(Neighbor):
    """Is a second sentence the next one, or a random one?"""

    def loss(self, head, z, drawn):
        u, v, other = z.unbind(1)
        return binary_loss(head(u, v), head(u, other)), log(2)

    def right(self, head, z, drawn):
        u, v, other = z.unbind(1)
        return share_right(head(u, v), head(u, other))


class Order(Task):
    """Are two sentences in their order, or swapped?"""

    def loss(self, head, z, drawn):
        u, v = z.unbind(1)
        return binary_loss(head(u, v), head(v, u)), log(2)

    def right(self, head, z, drawn):
        u, v = z.unbind(1)
        return share_right(head(u, v), head(v, u))


class Classes(Task):
    """Base of the tasks whose answers are classes."""

    def right(self, head, z, drawn):
        return (head(z).argmax(1) == drawn).double()


class Permutation(Classes):
    """In which order are some sentences?"""

    draws = True

    def __init__(self, n_parts):
        super().__init__(n_parts)
        self.orders = torch.tensor(list(permutations(range(n_parts))))

    def draw(self, n, targets):
        return torch.randint(len(self.orders), (n,))

    def arrange(self, runs, drawn):
        each = torch.arange(len(runs), device=runs.device)[:, None]
        return runs[each, self.orders.to(runs.device)[drawn]]

    def loss(self, head, z, drawn):
        return functional.cross_entropy(head(z), drawn), log(len(self.orders))


class Emoji(Classes):
    """Which emoji was in a sentence?"""

    def draw(self, n, targets):
        return targets

    def loss(self, head, z, drawn):
        logits = head(z)
        shares = torch.bincount(drawn, minlength=logits.shape[1]) / len(drawn)
        return functional.cross_entropy(logits, drawn), torch.special.entr(shares).sum()


#: The tasks by name.
TASKS = {
    "emoji": Emoji,
    "neighbor": Neighbor,
    "next": Next,
    "order": Order,
    "permutation": Permutation,
}


def binary_loss(of_true, of_false):
    """Mean cross-entropy of log odds, of as many true as false ones."""
    return (functional.softplus(-of_true) + functional.softplus(of_false)).mean() / 2


def share_right(of_true, of_false):
    """How many of each true one and false one are told, as a share."""
    return ((of_true > 0).double() + (of_false <= 0)) / 2


class Questions(Objective):
    """Questions of a task about runs of sentences.

    Parameters
    ----------
    task : Task
    """

    def __init__(self, task):
        super().__init__()
        self.task = task
        self.draws = task.draws
        self.tally = Tally()

    def prepare(self, inputs, targets):
        n = len(inputs.lengths) // self.task.n_parts
        drawn = self.task.draw(n, targets)
        return Batch(inputs, drawn.to(inputs.ids.device), n)

    def forward(self, network, batch):
        z = network(batch.inputs)
        runs = z.unflatten(0, (-1, self.task.n_parts))
        questions = self.task.arrange(runs, batch.targets)
        loss, of_guesses = self.task.loss(network.head, questions, batch.targets)
        if self.training:
            of_guesses = torch.as_tensor(of_guesses, device=z.device)
            self.tally.add(z.detach(), z.new_ones(()), of_guesses)
        return {"loss": loss}

    def take_health(self):
        tally, self.tally = self.tally, Tally()
        health = tally.result()
        del health["active_share"]
        return health
