"""A front measured again, until every member of it has been."""

from collections.abc import Callable

import optuna

from optistruct.evaluation import EvaluationPlan, quiet_process, remeasure
from optistruct.exceptions import StudyError
from optistruct.front import ParetoFront
from optistruct.storage import claimed
from optistruct.unfolding import remeasured_key

__all__ = ["remeasure_front"]


def remeasure_front(
    study: optuna.Study, plan: EvaluationPlan, read: Callable[[], ParetoFront]
) -> ParetoFront:
    """Measure the members of a front again, and those that come onto it thereby.

    Args:
        study: The study, in which the measurements are stored.
        plan: What is measured, on which data and folds.
        read: Reads the front of the study.

    Returns:
        The front as it is then.

    Raises:
        StudyRunningError: If another process of this machine is running the study.
        StudyError: If a structure cannot be fitted or timed any more; what was measured beside it
            is then lost, and nothing else.
    """
    done: set[str] = set()
    with claimed(study), quiet_process() as executor:
        while left := [member for member in read() if member.key not in done]:
            structures = [member.build() for member in left]
            try:
                records = executor.submit(remeasure, structures, plan).result()
            except Exception as error:  # of a fit, a prediction, or the process itself
                raise StudyError(
                    f"the front of {study.study_name!r} cannot be measured again: "
                    f"{type(error).__name__}: {error}"
                ) from error
            for member, record in zip(left, records, strict=True):
                study.set_user_attr(remeasured_key(member.key), record.to_json())
                done.add(member.key)
    return read()
