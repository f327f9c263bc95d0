"""What a process that runs bodies lends to them, as the settings say."""

from typing import Any

from django.conf import settings

from runner.execution.expressions import ExpressionLimits, MontyExpressions
from runner.execution.programs import MontyPrograms, ProgramLimits
from workflows.artifacts import StoredArtifacts
from workflows.mailing import DjangoMailer


def lent() -> dict[str, Any]:
    """Give the fields of a Host that are the same for the server and for a job queue runner."""
    return {
        "artifacts": StoredArtifacts(),
        "expressions": MontyExpressions(
            ExpressionLimits(
                seconds=settings.EXPRESSION_SECONDS,
                memory_bytes=settings.EXPRESSION_MEMORY,
                value_bytes=settings.EXPRESSION_VALUES,
            )
        ),
        "programs": MontyPrograms(
            ProgramLimits(seconds=settings.CODE_SECONDS, memory_bytes=settings.CODE_MEMORY)
        ),
        "network": settings.NETWORK,
        "mailer": DjangoMailer(),
        "output_bytes": settings.OUTPUT_LIMIT,
        "stream_bytes": settings.STREAM_LIMIT,
    }
