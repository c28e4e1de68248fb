"""The benchmarks' harness, and that every benchmark runs. No time is ever asserted."""

import gzip
import json
import lzma
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from importlib import import_module
from math import inf, isnan, nan
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import (
    _characters,
    _data,
    _images,
    _labels,
    _registry,
    _signals,
    _transfer,
)
from benchmarks.__main__ import main, time_contest
from benchmarks._contest import Contest, Options, Target
from benchmarks._filters import correlate
from benchmarks._report import append_json_lines, format_contest, make_records
from benchmarks._resident import in_fresh_process, peak_resident
from benchmarks._timing import Spread, noise, pair_ratios, peak_memory, race
from benchmarks._training_loops import Setting, bare_loop
from benchmarks.images import change_when_alone

NAMES = _registry.benchmark_names()


class FakeClock:
    """Time that goes on only when an action says so."""

    def __init__(self):
        self.now = 0.0
        self.calls = []

    def __call__(self):
        return self.now

    def action(self, name, seconds):
        """An action that takes the next of some seconds at each call."""
        remaining = iter(seconds)

        def act():
            self.calls.append(name)
            self.now += next(remaining)

        return act


@pytest.fixture(autouse=True)
def _no_data_folder(monkeypatch):
    monkeypatch.delenv(_data.ENVIRONMENT_VARIABLE, raising=False)


def test_race_warms_up_then_alternates_the_order():
    clock = FakeClock()
    actions = {"A": clock.action("A", [9, 1, 2, 3]), "B": clock.action("B", [9] * 4)}
    seconds = race(actions, repeats=3, shortest=0, clock=clock)
    assert "".join(clock.calls) == "AB" + "AB" + "BA" + "AB"
    assert seconds == {"A": [1, 2, 3], "B": [9, 9, 9]}


def test_race_repeats_quick_actions_within_one_measurement():
    clock = FakeClock()
    actions = {
        "A": clock.action("A", [0.25] * 9),
        "B": clock.action("B", [0.5] * 9),
    }
    seconds = race(actions, repeats=2, shortest=1.0, clock=clock)
    # Four runs of the quicker one make up a second.
    assert "".join(clock.calls) == "AB" + "AAAABBBB" + "BBBBAAAA"
    assert seconds == {"A": [0.25, 0.25], "B": [0.5, 0.5]}


def test_race_without_a_warm_up_runs_each_action_once_a_round():
    clock = FakeClock()
    actions = {"A": clock.action("A", [1, 2]), "B": clock.action("B", [3, 4])}
    seconds = race(actions, repeats=2, shortest=9, warm_up=False, clock=clock)
    assert "".join(clock.calls) == "AB" + "BA"
    assert seconds == {"A": [1, 2], "B": [3, 4]}


@pytest.mark.parametrize(("repeats", "n_rounds"), [(7, 3), (2, 2)])
def test_a_contest_may_limit_its_rounds(repeats, n_rounds):
    calls = []
    contest = Contest("rows", "k=3", {"fit": {"ours": lambda: calls.append(1)}}, "ours")
    contest = replace(contest, rounds=3)
    (record,) = time_contest("small", contest, 1, Options(repeats=repeats))
    assert len(calls) == n_rounds == record.repeats


def test_ratios_are_taken_pair_by_pair():
    # The ratio of the medians, 2 / 2, would hide that A is slower in most pairs.
    assert pair_ratios([2, 3, 1], [1, 2, 4]) == Spread(0.25, 1.5, 2.0)
    assert Spread.of([4, 1, 3, 2]) == Spread(1, 2.5, 4)
    with pytest.raises(ValueError, match="shorter"):
        pair_ratios([1, 2], [1])


def test_noise_is_the_typical_change_between_rounds():
    assert noise([3.0, 3.0, 3.0]) == 0
    np.testing.assert_allclose(noise([1.0, 1.1, 1.0, 1.0 / 1.1]), 0.1)
    assert isnan(noise([1.0]))


def test_peak_memory_counts_what_is_freed_again():
    peak = peak_memory(lambda: np.zeros(1_000_000).sum())
    assert peak == pytest.approx(8e6, rel=0.1)


def test_peak_of_a_fresh_process_is_its_own():
    held = np.ones(10_000_000)  # 80 megabytes that the new process does not have
    here, there = peak_resident(), in_fresh_process(peak_resident, threads=1)
    assert 1e6 < there < here - 0.5 * held.nbytes


def small_contest(**figures):
    actions = {"ours": lambda: None, "peer": lambda: None}
    return Contest(
        data="some rows",
        setting="k=3",
        stages={"fit": actions},
        reference="peer",
        quality={"ours": figures, "peer": {"error": np.float32(0.5)}},
        targets=(
            Target("fit ratio", at_most=0.8),
            Target("error", at_most=0.1),
            Target("score", at_least=0.9),
        ),
    )


def small_records(**figures):
    seconds = {"fit": {"ours": [1.0, 2.0, 3.0], "peer": [2.0, 2.0, 2.0]}}
    return make_records("small", small_contest(**figures), 2, seconds, {})


def test_records_judge_the_first_contestant_only():
    ours, peer = small_records(error=nan, score=0.9)
    assert ours.ratio["fit"] == Spread(0.5, 1.0, 1.5)
    assert ours.median_seconds == {"fit": 2.0}
    assert [v.met for v in ours.verdicts] == [False, False, True]
    assert [v.certain for v in ours.verdicts] == [False, True, True]
    assert not peer.verdicts


def test_table_states_ratio_spread_noise_and_verdict():
    contest = small_contest(error=0.05, score=1.0)
    table = format_contest(contest, small_records(error=0.05, score=1.0))
    assert table.startswith("small: some rows; k=3\n")
    row = next(line for line in table.splitlines() if "0.500 to 1.500" in line)
    assert row.split("  ")[0] == "2"
    assert "1.000" in row
    assert "0.0 %" in row
    assert "≤ 0.8 missed (pairs differ)" in row
    assert "≤ 0.1 met" in table
    assert "≥ 0.9 met" in table


def test_contest_without_stages_is_a_table_with_targets_for_any_row():
    contest = Contest(
        data="some rows",
        setting="k=3",
        quality={"half": {"rows": 1_000, "error": 0.5}, "all": {"error": 0.25}},
        targets=(Target("error", at_most=0.1), Target("error", 0.3, contestant="all")),
    )
    half, whole = time_contest("small", contest, 1, Options())
    assert [v.met for v in half.verdicts + whole.verdicts] == [False, True]
    lines = format_contest(contest, [half, whole]).splitlines()
    assert [line.split() for line in lines] == [
        ["small:", "some", "rows;", "k=3"],
        [],
        ["contestant", "rows", "error", "error:", "target"],
        ["-" * 10, "-" * 5, "-" * 5, "-" * 13],
        ["half", "1,000", "0.5", "≤", "0.1", "missed"],
        ["all", "0.25", "≤", "0.3", "met"],
    ]


def test_json_lines_are_appended_and_strict(tmp_path):
    path = tmp_path / "results.jsonl"
    for _ in range(2):
        append_json_lines(path, small_records(error=inf, score=np.float64(1)))
    text = path.read_text(encoding="utf-8")
    assert "Infinity" not in text
    assert "NaN" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["contestant"] for line in lines] == ["ours", "peer"] * 2
    assert lines[0]["quality"] == {"error": None, "score": 1.0}
    assert lines[0]["ratio"] == {"fit": {"min": 0.5, "median": 1.0, "max": 1.5}}
    assert lines[1]["quality"] == {"error": 0.5}


def test_registry_has_one_benchmark_for_each_public_module():
    assert {"deep", "images", "lsa", "metric", "nodes", "pca", "svd", "words"} <= set(
        NAMES
    )
    assert sorted(NAMES) == NAMES
    assert not [name for name in NAMES if name.startswith("_")]
    for name in NAMES:
        assert callable(_registry.load(name).run)


def test_list_shows_each_with_its_summary(capsys):
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split()[0] for line in lines] == NAMES
    assert all(line.endswith(".") for line in lines)


def test_unknown_benchmark_is_one_sentence(capsys):
    assert main(["nonesuch"]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "'nonesuch'" in message
    assert ", ".join(NAMES) in message


@pytest.mark.parametrize("where", ["option", "environment"])
def test_missing_data_folder_is_one_sentence(where, tmp_path, monkeypatch, capsys):
    folder = str(tmp_path / "nowhere")
    arguments = ["lsa", "--data", folder]
    if where == "environment":
        monkeypatch.setenv(_data.ENVIRONMENT_VARIABLE, folder)
        arguments = ["lsa"]
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert folder in message


def test_missing_file_is_one_sentence(tmp_path, capsys):
    assert main(["lsa", "--data", str(tmp_path)]) == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert "text/newsgroups20.tsv.xz" in message
    with pytest.raises(_data.MissingData, match=_data.ENVIRONMENT_VARIABLE):
        _data.require_file(None, "graphs/some.npz")


@pytest.mark.parametrize("arguments", [[], ["pca", "--repeats", "0"]])
def test_bad_usage_exits_with_the_usage(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: python -m benchmarks" in capsys.readouterr().err


def in_this_process(function, *args, threads):
    """As `in_fresh_process`, without the seconds that an import of torch takes."""
    assert getattr(import_module(function.__module__), function.__name__) is function
    return json.loads(json.dumps(function(*json.loads(json.dumps(args)))))


@pytest.mark.parametrize("name", NAMES)
def test_benchmark_runs_in_smoke_mode(name, tmp_path, capsys, monkeypatch):
    benchmark = import_module(f"benchmarks.{name}")
    if hasattr(benchmark, "in_fresh_process"):
        monkeypatch.setattr(benchmark, "in_fresh_process", in_this_process)
    path = tmp_path / "results.jsonl"
    assert main([name, "--smoke", "--memory", "--output", str(path)]) == 0
    printed = capsys.readouterr()
    assert "contestant" in printed.out
    assert f"{name}: " in printed.err
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    by_setting = Counter((line["data"], line["setting"]) for line in lines)
    assert min(by_setting.values()) >= 2
    for line in lines:
        assert line["benchmark"] == name
        assert line["threads"] == 1
        assert line["repeats"] == bool(line["seconds"])
        assert line["cpu_count"] >= 1
        assert line["versions"].keys() >= {"sklearn_replearn", "scikit-learn", "numpy"}
        assert line["timestamp"].endswith("+00:00")
        assert all(seconds[0] > 0 for seconds in line["seconds"].values())
        assert line["peak_bytes"].keys() == line["seconds"].keys()


def test_benchmark_reads_the_texts_of_a_data_folder(tmp_path):
    (tmp_path / "text").mkdir()
    rows = ["split\tlabel\ttext", 'train\ta\t"quoted', "test\tb\tnan", "train\tb\tc d"]
    with lzma.open(tmp_path / "text/some.tsv.xz", "wt", encoding="utf-8") as file:
        file.write("\n".join(rows))
    texts = _data.read_texts(tmp_path, "some", "Some")
    assert texts.train == ['"quoted', "c d"]
    assert texts.test == ["nan"]
    assert list(texts.train_labels) == ["a", "b"]
    assert texts.name == "Some, 2 + 1 documents"


def test_word_questions_of_a_data_folder_are_like_those_of_gensim(tmp_path):
    (tmp_path / "words").mkdir()
    for name in ("ws353.tsv", "simlex999.tsv"):
        (tmp_path / "words" / name).write_text("word1\tword2\tscore\nnull\tno\t7.5\n")
    with gzip.open(tmp_path / "words/google_analogies.tsv.gz", "wt") as file:
        file.write("section\ta\tb\tc\td\ngram\tbig\tbigger\tfar\tfarther\n")
    tables = _data.read_word_questions(tmp_path)
    assert tables["WS-353"].values.tolist() == [["null", "no", 7.5]]
    assert tables["analogies"].shape == (1, 5)
    shapes = [table.shape for table in _data.read_word_questions(None).values()]
    assert shapes == [(353, 3), (999, 3), (19_544, 4)]


def test_graphs_of_a_data_folder_have_classes_or_sets_of_labels(tmp_path):
    (tmp_path / "graphs").mkdir()
    path = {"indices": [2, 1, 0, 0], "indptr": [0, 2, 3, 4], "shape": [3, 3]}
    labels = {"label_indices": [1, 0, 1], "label_indptr": [0, 1, 3, 3], "n_labels": 2}
    np.savez(tmp_path / "graphs/classes.npz", **path, y=[5, 6, 5])
    np.savez(tmp_path / "graphs/sets.npz", **path, **labels)
    classes = _data.read_graph(tmp_path, "classes", "Path")
    sets = _data.read_graph(tmp_path, "sets", "Path")
    assert classes.name == sets.name == "Path, 3 nodes, 2 edges"
    assert classes.labels.tolist() == [5, 6, 5]
    assert sets.labels.tolist() == [[False, True], [True, True], [False, False]]
    for graph in (classes, sets):
        assert graph.adjacency.toarray().tolist() == [[0, 1, 1], [1, 0, 0], [1, 0, 0]]
        assert graph.adjacency.has_sorted_indices


def test_images_of_a_data_folder_are_flat_rows_of_numbers_up_to_one(tmp_path):
    (tmp_path / "images").mkdir()
    pixels = np.arange(0, 24, dtype=np.uint8).reshape(4, 2, 3)
    pixels[0, 0, 0] = 255
    parts = {"X_train": pixels, "y_train": [0, 1, 0, 1]}
    parts |= {"X_test": pixels[1:2], "y_test": [1]}
    np.savez(tmp_path / "images/some.npz", **parts)
    images = _images.read_images(tmp_path, "some", "Some")
    assert images.name == "Some, 4 + 1 of 2 x 3"
    assert images.shape == (2, 3)
    assert images.train.dtype == images.test.dtype == np.float32
    assert images.train.shape == (4, 6)
    assert images.train.max() == 1
    np.testing.assert_allclose(images.test, [np.arange(6, 12) / 255])
    assert list(images.test_labels) == [1]


def test_digits_to_test_on_are_not_learned_from():
    images = _images.digit_images(200, 50)
    assert images.name == "digits of scikit-learn, 200 + 50 of 8 x 8"
    assert (images.train.min(), images.train.max()) == (0, 1)
    assert len(np.unique(np.vstack([images.train, images.test]), axis=0)) == 250


def test_bytes_are_the_images_that_were_read():
    pixels = np.arange(256, dtype=np.uint8)
    rows = _images.as_bytes(pixels.astype(np.float32) / np.float32(255))
    assert rows.dtype == np.uint8
    np.testing.assert_array_equal(rows, pixels)


def test_signals_of_a_data_folder_are_all_that_there_are(tmp_path):
    with pytest.raises(_data.MissingData, match=r"no file 'signals/\*.npz'"):
        _signals.read_signals(tmp_path)
    (tmp_path / "signals").mkdir()
    parts = {"X_train": np.eye(2, 5), "y_train": [0, 1]}
    parts |= {"X_test": np.eye(1, 5), "y_test": [1]}
    for name in ("waves", "beats"):
        np.savez(tmp_path / f"signals/{name}.npz", **parts)
    beats, waves = _signals.read_signals(tmp_path)
    assert [beats.name, waves.name] == ["beats", "waves"]
    assert waves.train.shape == (2, 5)
    assert list(waves.test_labels) == [1]


def test_halves_of_the_classes_share_no_image():
    images = _images.digit_images(200, 50)
    known, new = _transfer.halves(images)
    assert set(known.train_labels) == set(known.test_labels) == {0, 1, 2, 3, 4}
    assert set(new.train_labels) == set(new.test_labels) == {5, 6, 7, 8, 9}
    assert len(known.train) + len(new.train) == 200
    assert len(known.test) + len(new.test) == 50


def test_few_labels_are_as_many_of_each_class():
    labels = np.repeat([7, 5, 6], [10, 20, 30])
    draws = _transfer.draw_few(labels, 4, 3)
    assert [Counter(labels[few].tolist()) for few in draws] == 3 * [{7: 4, 5: 4, 6: 4}]
    assert [len(np.unique(few)) for few in draws] == [12, 12, 12]
    assert len(np.unique(draws, axis=0)) == 3
    np.testing.assert_array_equal(draws, _transfer.draw_few(labels, 4, 3))


def test_correlation_in_a_loop_is_summed_over_channels():
    rng = np.random.default_rng(0)
    images, kernels = rng.random((2, 4, 5, 3)), rng.random((1, 2, 3, 3))
    maps = correlate(images, kernels)
    assert maps.shape == (2, 1, 3, 3)
    expected = (images[1, 2:4, 1:4] * kernels[0]).sum()
    assert maps[1, 0, 2, 1] == pytest.approx(expected)
    grey = correlate(images[..., 0], kernels[..., :1])
    expected = (images[1, 2:4, 1:4, 0] * kernels[0, ..., 0]).sum()
    assert grey[1, 0, 2, 1] == pytest.approx(expected)


def test_rows_that_depend_on_those_beside_them_are_counted():
    X = np.random.default_rng(0).random((5, 3))
    assert change_when_alone(np.sqrt, X) == 0
    assert change_when_alone(lambda X: X - X[:1], X) == 1


class Flat(torch.nn.Linear):
    """A network that takes rows as they are."""

    def arrange(self, rows):
        return rows


def test_bare_loop_learns_classes_from_bytes_and_other_inputs():
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (60, 3), dtype=np.uint8)
    y = (X[:, 0] > 127).astype(np.int64)
    seen = []

    def augment(x):
        seen.append(x)
        return torch.zeros_like(x)

    setting = Setting(lambda: Flat(3, 2), 0.1, 16, 30, torch.nn.CrossEntropyLoss())
    losses = [bare_loop(setting, X, y, quick=quick) for quick in (True, False)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    assert losses[0] < 0.3
    blind = bare_loop(replace(setting, augment=augment), X, y, quick=True)
    assert blind == pytest.approx(np.log(2), abs=0.1)
    assert [len(x) for x in seen[:4]] == [16, 16, 16, 12]
    assert {x.dtype for x in seen} == {torch.float32}
    assert max(x.max() for x in seen) == pytest.approx(X.max() / 255)


def test_made_up_graph_has_blocks_that_keep_to_themselves():
    graph = _data.planted_graph(1000, 5, average_degree=10, random_state=0)
    assert (
        graph != _data.planted_graph(1000, 5, average_degree=10, random_state=0)
    ).nnz == 0
    assert (graph != graph.T).nnz == 0
    assert not graph.diagonal().any()
    assert set(graph.data) == {1}
    assert graph.nnz == pytest.approx(10_000, rel=0.05)
    source, target = graph.nonzero()
    share = np.mean(source % 5 == target % 5)
    assert share == pytest.approx(0.8 + 0.2 / 5, abs=0.02)


def test_f1_gives_each_node_as_many_labels_as_it_has():
    rng = np.random.default_rng(0)
    labels = rng.random((200, 3)) < 0.5
    E = 20 * labels + rng.normal(size=labels.shape)
    assert _labels.f1_scores(E[:100], labels[:100], E[100:], labels[100:]) == (100, 100)
    labels[:100, 2] = False  # a label that nobody has who is learned from
    micro, macro = _labels.f1_scores(E[:100], labels[:100], E[100:], labels[100:])
    assert 60 < micro < 100
    assert macro == pytest.approx(200 / 3, abs=15)


def test_f1_table_has_a_column_for_each_share_of_labelled_nodes():
    labels = np.random.default_rng(0).random((200, 2)) < 0.5
    table = _labels.f1_table(9.0 * labels, labels, n_shuffles=2)
    assert list(table) == [
        f"{average} {percent} %"
        for average in ("Micro", "Macro")
        for percent in (10, 50, 90)
    ]
    assert set(table.values()) == {100.0}


def test_generated_data_are_repeatable_and_of_their_kind():
    X = _data.correlated_table(500, 40, random_state=0)
    np.testing.assert_array_equal(X, _data.correlated_table(500, 40, random_state=0))
    scales = X.std(axis=0)
    assert scales.max() / scales.min() > 1e4
    counts = _data.zipfian_counts(200, 500, random_state=0)
    assert counts.shape == (200, 500)
    frequencies = np.sort(np.asarray(counts.sum(axis=0)).ravel())[::-1]
    assert frequencies[:50].sum() > 4 * frequencies[-50:].sum()
    assert (counts.sum(axis=1) > 0).all()


def test_command_line_runs_as_a_module():
    root = Path(_registry.FOLDER).parent
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "benchmarks", "--list"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(name in result.stdout for name in NAMES)


def test_characters_are_split_by_alphabet(tmp_path):
    (tmp_path / "images").mkdir()
    alphabets = np.repeat(np.arange(8), 3)
    labels, drawers = np.repeat(np.arange(24), 2), np.tile([1, 2], 24)
    np.savez(
        tmp_path / "images/omniglot_background.npz",
        X_bg=np.zeros((len(labels), 3, 3), dtype=np.uint8),
        y_bg=labels.astype(np.int16),
        char_alphabet_bg=alphabets.astype(np.int16),
        drawer_bg=drawers.astype(np.int8),
    )
    characters = _characters.read_characters(tmp_path)
    assert set(characters.test_alphabets) == {0, 6}
    assert set(characters.test_labels) == {0, 1, 2, 18, 19, 20}
    assert not set(characters.train_labels) & set(characters.test_labels)
    assert len(characters.train) + len(characters.test) == len(labels)
    assert "of 2 other alphabets to test on" in characters.name
    # Each character in a direction of its own, and then all in one.
    Z = np.eye(24)[characters.test_labels]
    assert _characters.accuracy_of_runs(Z, characters, 3, 10) == 1
    assert _characters.accuracy_of_runs(np.ones((12, 2)), characters, 3, 10) == 1 / 3


def test_turned_characters_are_other_characters():
    images = np.arange(8).reshape(2, 2, 2)
    turned, labels = _characters.with_rotations(images, np.array([0, 5]))
    assert labels.tolist() == [0, 5, 6, 11, 12, 17, 18, 23]
    assert turned[4].tolist() == images[0, ::-1, ::-1].tolist()
