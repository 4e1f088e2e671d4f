# Probe Sandwich as a service. CPU by default; for a GPU build with
#   docker build --build-arg TORCH_BUILD=cu126 -t probe-sandwich:gpu .
# (or cu130, where the driver is new enough) and run with `docker run --gpus all`: a CUDA wheel brings its own
# libraries, so the slim base serves both.
FROM python:3.11-slim-bookworm

# PID 1 gets no signal that it has no handler for, and Python has none while it imports: tini passes them on.
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
RUN groupadd --gid 10001 probe \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin probe

# The build is part of the version, so that pip takes this very one or fails. Only torch is looked for at its own site.
ARG TORCH_BUILD=cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /srv/probe-sandwich
COPY pyproject.toml README.md ./
# The package is a link to app/, which comes last: another line of code costs no installation. What nobody runs here
# (tests, headers, compilers of protocols) goes in the same layer, so that the image does not carry it.
RUN mkdir app \
    && python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-deps \
        --find-links "https://download.pytorch.org/whl/$TORCH_BUILD/torch/" "torch==2.13.0+$TORCH_BUILD" \
    && /opt/venv/bin/pip install -e '.[hf]' \
    && cd /opt/venv/lib/python3.11/site-packages \
    && find torch/bin -type f ! -name torch_shm_manager -delete \
    && rm -rf torch/include torch/test \
    && find . -type d -name tests -prune -exec rm -rf {} +
COPY app app
COPY models models

# Nothing outside /tmp is written to, neither the answers kept nor the list of fonts of matplotlib.
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    PROBE_SANDWICH_CACHE_DIR=/tmp/answers MPLCONFIGDIR=/tmp/matplotlib
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=2); c.request('GET', '/health/ready'); raise SystemExit(c.getresponse().status != 200)"]
# SIGTERM stops the intake and lets running jobs end, for at most PROBE_SANDWICH_DRAIN_SECONDS.
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "-s", "--"]
CMD ["probe-sandwich", "serve", "--host", "0.0.0.0", "--port", "8000"]
