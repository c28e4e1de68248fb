"""Whether a task fits samples, and whether what it makes of them has a meaning."""

import torch

from sklearn_replearn._deep.input.samples import channels_first

#: By number of dimensions of a sample: the kind of input, and what X has.
KINDS = {
    1: ("tables", "rows of a table"),
    2: ("signals", "signals"),
    3: ("images", "images"),
}

#: What makes rows of a table another kind of input.
REMEDIES = {
    "images": "pass image_shape if its rows are images",
    "signals": "pass encoder='cnn' if its rows are signals",
}


def check_kind(task, n_dims):
    """Raise if a task has no meaning for samples of so many dimensions."""
    kind, found = KINDS[n_dims]
    if kind in task.kinds:
        return
    remedies = [REMEDIES[other] for other in task.kinds if kind == "tables"]
    remedies.append("take another task, such as 'inpainting'")
    raise ValueError(
        f"{type(task).__name__} is a task for {' and '.join(task.kinds)}, but X has "
        f"{found}; {', or '.join(remedies)}."
    )


def some_scaled(samples, shape):
    """Some samples in the shape of the layers, about zero and with a deviation of 1."""
    some = samples.some()
    x = some.first(len(some)).double()
    if len(shape) > 1:
        x = channels_first(x, shape)
    x = x - x.mean([0, *range(2, x.ndim)], keepdim=True)
    return (x / (x.square().mean().sqrt() or 1.0)).float()


@torch.no_grad()
def try_task(task, x, shape):
    """What a task makes of a few samples; raise if it is not what a task has to make.

    Returns
    -------
    n_parts : int
        Parts of a question.
    part_shape : list of int
    answer_shape : list of int
    """
    name = f"The task {type(task).__name__}"
    n_samples = len(x)
    made = task.make(x)
    if not (isinstance(made, tuple) and len(made) == 2 and all(map(_is_tensor, made))):
        raise ValueError(
            f"{name} makes {_in_short(made)}; return two tensors, inputs and answers."
        )
    inputs, answers = made
    n_dims = len(shape)
    n_channels = inputs.shape[-n_dims] if inputs.ndim >= n_dims else None
    if inputs.ndim - n_dims not in (1, 2) or n_channels != shape[0]:
        raise ValueError(
            f"{name} makes inputs of shape {tuple(inputs.shape)} of samples of shape "
            f"{tuple(x.shape)}; keep that layout and its {shape[0]} "
            f"{'columns' if n_dims == 1 else 'channels'}, with one more axis behind "
            "the first if a question has several parts."
        )
    if not inputs.is_floating_point() or not inputs.isfinite().all():
        raise ValueError(
            f"{name} makes inputs of type {inputs.dtype} that are not all finite "
            "floats; the network cannot take them."
        )
    n_questions = len(inputs)
    if len(answers) != n_questions or n_questions % n_samples or n_questions == 0:
        raise ValueError(
            f"{name} makes {n_questions} inputs and {len(answers)} answers of "
            f"{n_samples} samples; make the same number of questions of each sample, "
            "with an answer each."
        )
    _check_answers(name, task, answers)
    n_parts = inputs.shape[1] if inputs.ndim > n_dims + 1 else 1
    is_class = task.n_classes is not None
    answer_shape = [int(task.n_classes)] if is_class else list(answers.shape[1:])
    return n_parts, list(inputs.shape[-n_dims:]), answer_shape


def _check_answers(name, task, answers):
    if task.n_classes is None:
        if not answers.is_floating_point() or answers.ndim < 2:
            raise ValueError(
                f"{name} makes answers of type {answers.dtype} and shape "
                f"{tuple(answers.shape)}; set n_classes if they are classes, or make "
                "values: floats of shape (n_questions, n_values)."
            )
        if answers.isnan().all():
            raise ValueError(
                f"{name} makes answers that are all NaN: nothing is asked."
            )
        return
    n_classes = int(task.n_classes)
    if answers.dtype != torch.int64 or answers.ndim != 1:
        raise ValueError(
            f"{name} has n_classes={n_classes}, but makes answers of type "
            f"{answers.dtype} and shape {tuple(answers.shape)}; return classes as "
            "int64, of shape (n_questions,)."
        )
    low, high = int(answers.min()), int(answers.max())
    if low < 0 or high >= n_classes:
        wrong = low if low < 0 else high
        raise ValueError(
            f"{name} has n_classes={n_classes}, but makes the answer {wrong}; classes "
            f"are numbers from 0 to {n_classes - 1}."
        )


def check_sides(estimator, task, part_shape, shape):
    """Raise if parts are smaller than samples and the encoder needs whole ones."""
    is_flat = estimator.encoder == "mlp"
    if is_flat and part_shape != list(shape):
        raise ValueError(
            f"{type(task).__name__} shows parts of {part_shape[1:]} values of samples "
            f"of {list(shape[1:])}, but encoder='mlp' takes inputs of one size; take "
            "encoder='cnn'."
        )


def _is_tensor(value):
    return isinstance(value, torch.Tensor)


def _in_short(made):
    if isinstance(made, tuple):
        return f"a tuple of {', '.join(type(part).__name__ for part in made)}"
    return f"a {type(made).__name__}"
