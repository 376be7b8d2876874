# One image, roles by command: serve (the default), worker, migrate and every other command of
# manage.py. Everything it needs to know comes from the environment: docs/reference/settings.md.

FROM python:3.11-slim AS packages
RUN python -m venv --without-pip /opt/venv
COPY requirements/production.txt /tmp/requirements.txt
# Wheels alone, each checked against its hash: nothing is compiled and nothing unpinned gets in.
RUN pip --python /opt/venv/bin/python install --no-cache-dir --require-hashes \
        --only-binary :all: -r /tmp/requirements.txt
# Nobody reads these in a container: what translations were compiled from, maps for debuggers of
# others' scripts, and a second browser of the API that no page of ours shows.
RUN find /opt/venv -type f \( -name '*.po' -o -name '*.map' \) -delete \
    && rm -r /opt/venv/lib/python3.*/site-packages/drf_spectacular_sidecar/static/*/redoc

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent tenantry \
    && python -m pip uninstall --yes pip setuptools wheel
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    READ_DOT_ENV=0
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY . .
RUN python -m compileall -q .
USER 10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
ENTRYPOINT ["python", "manage.py"]
CMD ["serve", "--host", "0.0.0.0"]
