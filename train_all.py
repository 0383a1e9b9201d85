"""Train the zoo's recipes one after another, and say how each went.

    python train_all.py --quick         one recipe of every model class, briefly
    python train_all.py "*_cifar10"     the full runs of some
    python train_all.py --list          what there is

A run that was stopped, even by `kill -9`, goes on when the same command is given again.
"""

import argparse
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def make_parser():
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    add = parser.add_argument
    add("patterns", nargs="*", metavar="PATTERN", help="names, patterns or paths")
    strategies = ("auto", "one", "mirrored", "multiworker")
    add("--strategy", choices=strategies, default="auto", help="how to distribute")
    add("--runs", default="runs", metavar="DIR", help="folder of run folders")
    add("--quick", action="store_true", help="short runs, in DIR/quick")
    add("--all", action="store_true", help="every recipe, not one a model class")
    add("--list", action="store_true", help="list the recipes and end")
    add("--dry-run", action="store_true", help="build everything, train nothing")
    add("--publish", action="store_true", help="publish each run into the zoo")
    return parser


def main(argv=None):
    parser = make_parser()
    options = parser.parse_args(argv)
    if options.publish and options.quick:
        parser.error("Expected --publish with full runs. Received: --quick")
    from keras_gen.training import batch  # takes seconds, which --help need not

    batch.show_log()
    try:
        jobs = batch.plan(options.patterns, every=options.all, quick=options.quick)
    except ValueError as error:
        parser.error(str(error))
    if options.list:
        print(batch.listing(jobs))
        return 0
    if options.dry_run:
        return batch.dry_run(jobs)
    runs = batch.run_folder(options.runs, options.quick)
    common = {"strategy": options.strategy, "publishing": options.publish}
    status = batch.run(jobs, runs=runs, **common)
    print(f"\n{batch.table(jobs)}")
    return status


if __name__ == "__main__":
    sys.exit(main())
