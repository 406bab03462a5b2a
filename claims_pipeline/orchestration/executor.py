"""Who carries out the steps of a run: its own process, or for lanes Celery workers as well."""

import dagster as dg

from claims_pipeline.settings import load_settings


def _executor(init_context: dg.InitExecutorContext) -> dg.Executor:
    settings = load_settings()
    if settings.executor == "celery":
        # Celery takes a third of a second to import, and most installations need none of it.
        from claims_pipeline.orchestration.celery.executor import LanesOnWorkers  # noqa: PLC0415

        return LanesOnWorkers(settings)
    in_process = dg.in_process_executor.executor_creation_fn
    if in_process is None:
        raise RuntimeError("Dagster's in-process executor cannot be made")
    return in_process(init_context)


# The setting is read when a run begins. Nothing of it stands in run config, where Dagster would
# show the broker's password.
claims_executor = dg.ExecutorDefinition(
    name="claims_executor",
    config_schema=dg.in_process_executor.config_schema,  # type: ignore[arg-type] # it is taken
    executor_creation_fn=_executor,
    description=(
        "Every step in the run's own process; with CLAIMS_EXECUTOR=celery, lanes on Celery workers."
    ),
)
