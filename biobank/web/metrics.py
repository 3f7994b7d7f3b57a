"""GET /metrics: how many requests, how long, by route; for Prometheus."""

import os
import time

from flask import Flask, Response, current_app, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from biobank.web.asking import public

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


def init(app: Flask) -> None:
    """Count every request of this app."""
    registry = CollectorRegistry()
    count = Counter("biobank_requests", "Requests answered", ["method", "route", "status"], registry=registry)
    seconds = Histogram(
        "biobank_request_seconds", "Time to answer", ["method", "route"], registry=registry, buckets=BUCKETS
    )
    app.extensions["metrics"] = registry

    def _begin() -> None:
        g.metrics_began = time.perf_counter()

    def _end(response: Response) -> Response:
        method = request.method if request.method in METHODS else "other"
        route = request.url_rule.rule if request.url_rule else "none"
        count.labels(method, route, response.status_code).inc()
        if "metrics_began" in g:
            seconds.labels(method, route).observe(time.perf_counter() - g.metrics_began)
        return response

    app.before_request(_begin)
    app.after_request(_end)
    app.add_url_rule("/metrics", "metrics", metrics)


@public
def metrics() -> Response:
    """The figures of this process; of all of them, where PROMETHEUS_MULTIPROC_DIR names their common folder."""
    registry: CollectorRegistry = current_app.extensions["metrics"]
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
