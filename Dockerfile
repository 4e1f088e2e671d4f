# Probe Sandwich as a service. CPU by default; for a GPU build with
#   docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 -t probe-sandwich:gpu .
# and run with `docker run --gpus all`: a CUDA wheel brings its own libraries, so the slim base serves both.
FROM python:3.11-slim-bookworm

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

RUN python3 -m venv /opt/venv
RUN /opt/venv/bin/pip install --extra-index-url "$TORCH_INDEX" torch==2.13.0
WORKDIR /srv/probe-sandwich
COPY pyproject.toml README.md ./
COPY app app
RUN /opt/venv/bin/pip install -e '.[hf]'
COPY models models

RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin probe
USER probe
ENV PATH=/opt/venv/bin:$PATH
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import httpx; httpx.get('http://127.0.0.1:8000/health/ready').raise_for_status()"]
# SIGTERM stops the intake and lets running jobs end, for at most PROBE_SANDWICH_DRAIN_SECONDS.
STOPSIGNAL SIGTERM
CMD ["probe-sandwich", "serve", "--host", "0.0.0.0", "--port", "8000"]
