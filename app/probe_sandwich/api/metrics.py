"""Prometheus metrics of the service, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)


class Metrics:
    """What is counted."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        prefix = "probe_sandwich_"
        self.requests = Counter(
            f"{prefix}requests", "Requests by route and status.", ["method", "route", "status"], registry=self.registry
        )
        self.waiting = Gauge(f"{prefix}jobs_waiting", "Jobs that no worker has taken yet.", registry=self.registry)
        self.in_flight = Gauge(
            f"{prefix}uploads_in_flight", "Uploads on their way, waiting or running.", registry=self.registry
        )
        self.stage_seconds = Histogram(
            f"{prefix}stage_seconds", "Seconds by stage.", ["stage"], buckets=_SECONDS, registry=self.registry
        )
        self.verdicts = Counter(f"{prefix}verdicts", "Verdicts given.", ["verdict"], registry=self.registry)
        self.cache = Counter(f"{prefix}cache", "Lookups in the cache of answers.", ["result"], registry=self.registry)
        self.restarts = Counter(f"{prefix}worker_restarts", "Workers that were replaced.", registry=self.registry)
