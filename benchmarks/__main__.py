"""The command line: ``python -m benchmarks NAME``."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from threadpoolctl import threadpool_limits

from ._contest import Contest, Options
from ._data import ENVIRONMENT_VARIABLE, MissingData, find_data_folder
from ._registry import UnknownBenchmark, benchmark_names, load, summary
from ._report import (
    Record,
    append_json_lines,
    format_contest,
    format_table,
    make_records,
    progress,
)
from ._timing import SHORTEST, peak_memory, race


def main(argv: Sequence[str] | None = None) -> int:
    """Run one benchmark; return the exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.list:
        rows = [{"name": n, "what": summary(n)} for n in benchmark_names()]
        print(format_table(rows))
        return 0
    if arguments.name is None:
        parser.error("name a benchmark, or ask for --list")
    try:
        for contest, records in run_benchmark(arguments.name, _options(arguments)):
            print(format_contest(contest, records), flush=True)
            if arguments.output:
                append_json_lines(arguments.output, records)
    except (MissingData, UnknownBenchmark) as error:
        progress(str(error))
        return 2
    return 0


def run_benchmark(
    name: str, options: Options
) -> Iterator[tuple[Contest, list[Record]]]:
    """Each contest of a benchmark with its records, as soon as it is over."""
    benchmark = load(name)
    progress(f"{name}: preparing the data")
    with threadpool_limits(max(options.threads)):
        for contest in benchmark.run(options):
            if options.smoke:  # targets are meant for the full size
                contest = replace(contest, targets=())
            records = []
            # A contest without stages has been measured with the most threads.
            numbers = options.threads if contest.stages else (max(options.threads),)
            for threads in numbers:
                with threadpool_limits(threads):
                    records += time_contest(name, contest, threads, options)
            yield contest, records


def time_contest(
    name: str, contest: Contest, threads: int, options: Options
) -> list[Record]:
    """Records of one contest with the number of threads set by the caller."""
    seconds, peaks = {}, {}
    repeats = min(options.repeats, contest.rounds or options.repeats)
    for stage, actions in contest.stages.items():
        progress(
            f"{name}: {contest.data}; {contest.setting}; {stage}, {threads} thread(s)"
        )
        seconds[stage] = race(
            actions,
            repeats=repeats,
            shortest=0 if options.smoke else SHORTEST,
            warm_up=contest.rounds is None,
        )
        if options.memory:
            peaks[stage] = {who: peak_memory(actions[who]) for who in actions}
    return make_records(name, contest, threads, seconds, peaks)


def _options(arguments: argparse.Namespace) -> Options:
    if arguments.smoke:
        return Options(repeats=1, threads=(1,), smoke=True, memory=arguments.memory)
    return Options(
        data=find_data_folder(arguments.data),
        repeats=arguments.repeats,
        threads=arguments.threads,
        memory=arguments.memory,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time this package and its peers by turns on the same data.",
        epilog="Ratios are medians over pairs of runs next to each other. 'noise' is "
        "how much the reference's own time typically changes from one round to the "
        "next on this machine. Targets are judged by the median.",
    )
    parser.add_argument("name", nargs="?", help="the benchmark to run")
    parser.add_argument("--list", action="store_true", help="name the benchmarks")
    parser.add_argument(
        "--data",
        metavar="DIR",
        help=f"folder of data sets (default: ${ENVIRONMENT_VARIABLE}, if set)",
    )
    parser.add_argument(
        "--repeats",
        metavar="N",
        type=_positive_integer,
        default=Options.repeats,
        help="timed rounds after the warm-up (default: %(default)s)",
    )
    parser.add_argument(
        "--threads",
        metavar="N[,N]",
        type=_positive_integers,
        default=Options.threads,
        help="numbers of BLAS and OpenMP threads (default: 1,2)",
    )
    parser.add_argument(
        "--output",
        metavar="FILE.jsonl",
        type=Path,
        help="append a JSON line for each contestant in each setting",
    )
    parser.add_argument(
        "--memory", action="store_true", help="measure peak memory as well"
    )
    parser.add_argument(
        "--smoke",
        action="store_true",
        help="only see that it runs: tiny sizes, one repeat, one thread, no folder",
    )
    return parser


def _positive_integer(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return number


def _positive_integers(text: str) -> tuple[int, ...]:
    return tuple(_positive_integer(part) for part in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
