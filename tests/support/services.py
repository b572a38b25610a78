"""A service's description, for tests that start none."""

from edgeproof_agent.serve.cpu_choice import ALL
from edgeproof_agent.store.services.description import USER, ServiceDescription


def a_service(app: str, agent: str, runtime: str) -> ServiceDescription:
    return ServiceDescription(
        app=app, scope=USER, agent=agent, runtime=runtime, runtime_name="tflite-runtime", stream={"source": "camera:0"},
        min_score=0.5, log_mib=1, threads=None, cores=ALL, delegate=None, start_seconds=60.0, stable_seconds=1.0,
        tries=3, watchdog_seconds=60.0,
    )  # fmt: skip
