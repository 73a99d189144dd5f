"""The command that measures a front's inference times again."""

import io
from contextlib import redirect_stdout
from pathlib import Path

from optistruct.cli.options import Storage, Study, absolute
from optistruct.cli.progress import polite_interrupt
from optistruct.cli.run import run_script
from optistruct.cli.tables import read_table
from optistruct.exceptions import ArgumentError
from optistruct.launch import DEFAULT_STORAGE, Launch, Remeasured, launching

__all__ = ["remeasure"]


def remeasure(study: Study, storage: Storage = DEFAULT_STORAGE) -> None:
    """Measure the inference times of a study's front again, side by side in a quiet process.

    The new times take the place of those from the search in what is shown. The data come from
    where `search` or `run` found them.

    Example: optistruct remeasure data-price
    """
    import rich

    from optistruct.loading import load_study
    from optistruct.reporting import front_table

    loaded = load_study(study, storage)
    source = loaded.spec.source
    if source is None:
        raise ArgumentError(
            f"the study {study!r} was begun by Python code, which alone knows its data: call "
            "study.remeasure(X, y) there, or let `optistruct run SCRIPT` go on with it once"
        )
    with polite_interrupt():
        if "script" in source:
            script = Path(source["script"])
            print(f"running {script} to measure the front again", flush=True)
            if not _does_remeasure(script, Launch(storage=absolute(storage), remeasure=study)):
                raise ArgumentError(f"{script} does not run the study {study!r} any more")
        else:
            X, y = read_table(Path(source["table"]), source["target"])
            loaded.remeasure(X, y)
    rich.print(front_table(loaded))


def _does_remeasure(script: Path, launch: Launch) -> bool:
    """Run a script; tell whether it came to the study that is to be measured again."""
    try:
        with launching(launch), redirect_stdout(io.StringIO()):
            run_script(script)
    except Remeasured:
        return True
    except SystemExit as left:
        if left.code:
            raise
    return False
