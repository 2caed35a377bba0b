# syntax=docker/dockerfile:1
# ticker as an image: built in a first stage, of locked packages whose hashes are checked; run as nobody in a second one
# that has neither pip nor a compiler. Its root may be read-only: state is in /state, and nothing else is written.
#
#   docker build -t ticker .
#   docker run --read-only --cap-drop ALL --security-opt no-new-privileges -v ticker:/state -p 127.0.0.1:8080:8080 ticker

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements/build.lock requirements/run.lock requirements/
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/build.lock \
 && python -m venv /opt/ticker \
 && /opt/ticker/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/run.lock
COPY pyproject.toml README.md LICENSE CHANGELOG.md ./
COPY config config
COPY widgets widgets
COPY ticker ticker
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/ticker/bin/python -m pip install --no-cache-dir --no-deps --no-index --find-links /wheels ticker \
 && /opt/ticker/bin/python -m pip uninstall --yes pip setuptools

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="ticker" \
      org.opencontainers.image.description="A crypto price ticker that news sites and blogs run themselves" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --system --gid 10001 ticker \
 && useradd --system --uid 10001 --gid 10001 --home-dir /state --no-create-home --shell /usr/sbin/nologin ticker \
 && install -d -o 10001 -g 10001 -m 0700 /state
COPY --from=build /opt/ticker /opt/ticker
ENV PATH=/opt/ticker/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_STATE_HOME=/state \
    TICKER_SERVER_HOST=0.0.0.0
USER 10001:10001
WORKDIR /state
VOLUME /state
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ.get('TICKER_SERVER_PORT', '8080') + '/healthz', timeout=4)"]
ENTRYPOINT ["ticker"]
CMD ["run"]
